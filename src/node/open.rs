//! Opens nodes: the BuildKit of a Docker Engine, or a buildkitd.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::abilities::{self, has_grpc, has_lint};
use super::address::{Address, Buildkitd};
use super::connected::Way;
use super::facts::platforms;
use super::instead::docker_there;
use super::{Node, NodeError, NodeFacts, Product, Store};
use crate::buildkit::Worker;
use crate::dial::{Dialer, Target};
use crate::docker::{Endpoint, Engine, NoStream};
use crate::error::why;

/// How long a buildkitd may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);

/// The label in which an engine says how containers reach its machine.
const GATEWAY: &str = "org.mobyproject.buildkit.worker.moby.host-gateway-ip";

impl Node {
    /// The BuildKit of `engine`. The engine's version decides which way is tried first; a proxy in
    /// front of it may refuse either.
    pub async fn of_engine(engine: Engine) -> Result<Self, NodeError> {
        let version = engine.version().await?;
        let endpoint = engine.endpoint().clone();
        if let Some(unusable) = abilities::unusable(&version, &endpoint.to_string()) {
            return Err(NodeError::Unusable(unusable));
        }
        let reported = engine.facts().await?;
        let ways = match has_grpc(&version) {
            true => [Way::Grpc(engine.clone()), Way::Upgrade(engine.clone())],
            false => [Way::Upgrade(engine.clone()), Way::Grpc(engine.clone())],
        };
        let mut tried = Vec::new();
        for way in ways {
            let way_name = way.name();
            let opened = engine.unless_silent(way.connect()).await;
            let silent = || Err(NoStream::Silent(engine.is_silent(way_name)));
            let (client, workers) = match opened.unwrap_or_else(silent) {
                Ok(opened) => opened,
                Err(NoStream::Refused(reason)) => {
                    tracing::debug!(target: "docker", way = way_name, reason, "refused");
                    tried.push((way_name, reason));
                    continue;
                }
                Err(NoStream::Silent(error)) => return Err(error.into()),
            };
            tracing::debug!(target: "docker", way = way_name, "BuildKit answers");
            let mut platforms = platforms(&workers);
            if platforms.is_empty() {
                platforms.push(reported.native);
            }
            let facts = NodeFacts {
                product: Product::DockerEngine,
                has_lint: has_lint(&version),
                version: version.version,
                cores: reported.cores,
                store: match reported.containerd_store {
                    true => Store::Containerd,
                    false => Store::Docker,
                },
                platforms,
            };
            let gateway =
                workers.iter().find_map(|worker| worker.labels.get(GATEWAY)?.parse().ok());
            let directory = local_data(&endpoint, reported.directory, &reported.machine);
            let address = Address::Docker(endpoint);
            return Ok(Self {
                directory,
                address,
                client,
                engine: Some(engine),
                beside: None,
                facts,
                gateway,
            });
        }
        Err(NodeError::NoBuildKit { endpoint, tried })
    }

    /// The buildkitd at `address`. `engine` is the Docker Engine for smoke tests and for images that
    /// are loaded; a buildkitd in a container of Docker is reached through it.
    pub(crate) async fn of_buildkitd(
        address: Buildkitd,
        engine: Option<Engine>,
    ) -> Result<Self, NodeError> {
        let failed = |reason| NodeError::NoBuildkitd { address: address.clone(), reason };
        let seconds = ANSWER_TIMEOUT.as_secs();
        let late = || failed(format!("no answer within {seconds} s"));
        let asked = async {
            let connected = way(&address, engine.as_ref())?.connect().await;
            let (client, workers) = connected.map_err(|no| no.to_string())?;
            let version = client.version().await.map_err(|error| error.message)?;
            Ok::<_, String>((client, workers, version))
        };
        let asked = timeout(ANSWER_TIMEOUT, asked).await.map_err(|_| late())?;
        // Docker Engine 29.2 answers like a buildkitd, but its BuildKit does not store and push like one.
        let may_be_docker = match &asked {
            Ok((_, workers, _)) => workers.iter().any(is_dockers),
            Err(_) => true,
        };
        if may_be_docker && let Some(docker) = docker_there(&address).await {
            return Err(docker);
        }
        let (client, workers, version) = asked.map_err(failed)?;
        let version = version.unwrap_or_default();
        if let Some(unusable) = abilities::unusable_buildkitd(&version, &address.to_string()) {
            return Err(NodeError::Unusable(unusable));
        }
        let platforms = platforms(&workers);
        if platforms.is_empty() {
            return Err(failed("it has no worker".to_owned()));
        }
        let facts = NodeFacts {
            product: Product::Buildkitd,
            has_lint: abilities::buildkitd_has_lint(&version),
            version,
            cores: std::num::NonZeroUsize::MIN,
            store: Store::None,
            platforms,
        };
        let address = Address::Buildkitd(address);
        Ok(Self { address, client, engine, beside: None, facts, gateway: None, directory: None })
    }
}

/// Whether this is the worker of a Docker Engine.
fn is_dockers(worker: &Worker) -> bool {
    worker.labels.keys().any(|label| label.starts_with("org.mobyproject.buildkit.worker.moby."))
}

/// The engine's `directory`, if it is on this machine. An engine behind a socket may be in a virtual machine,
/// and this process in a container: then the host name or the kernel differ.
fn local_data(
    endpoint: &Endpoint,
    directory: Option<PathBuf>,
    (name, kernel): &(String, String),
) -> Option<PathBuf> {
    let here = rustix::system::uname();
    let is_here = here.nodename().to_bytes() == name.as_bytes()
        && here.release().to_bytes() == kernel.as_bytes();
    directory.filter(|path| matches!(endpoint, Endpoint::Unix(_)) && is_here && path.is_dir())
}

/// The way to a buildkitd.
fn way(address: &Buildkitd, engine: Option<&Engine>) -> Result<Way, String> {
    let target = match address {
        Buildkitd::Unix(path) => Target::Unix(path.clone()),
        Buildkitd::Tcp { host, port, tls } => {
            Target::Tcp { host: host.clone(), port: *port, tls: tls.clone() }
        }
        Buildkitd::DockerContainer { name } => {
            let engine = engine.ok_or("no Docker Engine answers")?.clone();
            return Ok(Way::InContainer { engine, name: name.clone() });
        }
        Buildkitd::PodmanContainer { .. } | Buildkitd::KubePod { .. } => {
            Target::Command(address.command().expect("these are behind a command"))
        }
    };
    Dialer::new(target).map(Way::Dialled).map_err(|error| why(&error))
}
