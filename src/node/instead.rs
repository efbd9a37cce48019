//! What answers at an address, if it is not what the address names: a Docker Engine where a buildkitd should
//! be, or the reverse. Asked only after the expected answer did not come.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::address::Buildkitd;
use super::connected::Way;
use super::{NodeError, abilities};
use crate::dial::{Dialer, TlsClient, TlsFiles};
use crate::docker::{Candidate, Endpoint, Engine, EngineError, Refused};
use crate::loopback::is_loopback;

/// How long the other protocol may take to answer.
const OTHER_TIMEOUT: Duration = Duration::from_secs(2);

/// A buildkitd answers where a Docker Engine was expected.
#[derive(Debug, Error)]
#[error("buildkitd {version} answers there, not a Docker Engine")]
pub(crate) struct IsBuildkit {
    version: String,
    /// Its address for `--host`.
    pub address: String,
}

/// The error for `address` if a Docker Engine, or Podman, answers there.
pub(super) async fn docker_there(address: &Buildkitd) -> Option<NodeError> {
    let (endpoint, tls) = match address {
        Buildkitd::Unix(path) => (Endpoint::Unix(path.clone()), None),
        Buildkitd::Tcp { host, port, tls } => {
            (Endpoint::Tcp { host: host.clone(), port: *port, plain: tls.is_none() }, tls.clone())
        }
        Buildkitd::DockerContainer { .. }
        | Buildkitd::PodmanContainer { .. }
        | Buildkitd::KubePod { .. } => return None,
    };
    let shown = match accepted(&endpoint) {
        "" => endpoint.to_string(),
        option => format!("'{endpoint}{option}'"),
    };
    let is_secured = tls.is_some();
    let candidate = Candidate { endpoint, tls, origin: Cow::Borrowed("") };
    let asked = async { Engine::connect(vec![candidate]).await.ok()?.version().await.ok() };
    let found = timeout(OTHER_TIMEOUT, asked).await.ok()??;
    // Any web server answers a ping.
    let _ = found.api.split_once('.')?;
    let (found, help) = match abilities::unusable(&found, &shown) {
        Some(unusable) => (unusable.message, unusable.help),
        None => {
            let named = ["Docker Engine", &found.version].join(" ");
            let certificates = match is_secured {
                true => ", with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH",
                false => "",
            };
            (
                format!("{} answers there", named.trim()),
                format!("to build with that engine, write --host {shown}{certificates}"),
            )
        }
    };
    Some(NodeError::DockerThere { address: address.clone(), found, help })
}

/// The same error, which says so if BuildKit answers at one of the endpoints.
pub(crate) async fn buildkit_there(error: EngineError) -> EngineError {
    let EngineError::NoneAnswers { tried } = error else { return error };
    let mut known = Vec::new();
    for (candidate, reason) in tried {
        // What accepts nothing, never answers, or refuses a request of HTTP/1 is no buildkitd either.
        let is_refused = reason.get_ref().is_some_and(|inner| inner.is::<Refused>());
        let found = match reason.kind() {
            _ if is_refused => None,
            io::ErrorKind::Other | io::ErrorKind::InvalidData => buildkit_at(&candidate).await,
            _ => None,
        };
        known.push((candidate, found.map_or(reason, io::Error::other)));
    }
    EngineError::NoneAnswers { tried: known }
}

async fn buildkit_at(candidate: &Candidate) -> Option<IsBuildkit> {
    let address = match &candidate.endpoint {
        Endpoint::Unix(path) => Buildkitd::Unix(path.clone()),
        Endpoint::Tcp { host, port, .. } => {
            Buildkitd::Tcp { host: host.clone(), port: *port, tls: candidate.tls.clone() }
        }
        Endpoint::Ssh(_) => return None,
    };
    let asked = async {
        let dialer = Dialer::new(candidate.target()).ok()?;
        let (client, _) = Way::Dialled(dialer).connect().await.ok()?;
        client.version().await.ok()
    };
    let version = timeout(OTHER_TIMEOUT, asked).await.ok()??;
    let options = match &candidate.tls {
        Some(files) => options(files),
        None => accepted(&candidate.endpoint).to_owned(),
    };
    let version = version.unwrap_or_default();
    Some(IsBuildkit { version, address: format!("{address}{options}") })
}

/// What an address without TLS needs, unless it is this machine's.
fn accepted(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Tcp { host, plain: true, .. } if !is_loopback(host) => "?tls=false",
        _ => "",
    }
}

/// The options of an address that name these files.
fn options(files: &TlsFiles) -> String {
    let (cert, key) = match &files.client {
        TlsClient::None => return format!("?cacert={}", files.ca.display()),
        TlsClient::In(folder) => (folder.join("cert.pem"), folder.join("key.pem")),
        TlsClient::Pair { cert, key } => (cert.clone(), key.clone()),
    };
    let (ca, cert, key) = (files.ca.display(), cert.display(), key.display());
    format!("?cacert={ca}&cert={cert}&key={key}")
}
