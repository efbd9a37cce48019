//! Opens the node that the settings name: a Docker Engine, a buildkitd, or a builder of docker buildx.
//!
//! `node::choose` decides which one counts. A node that was named is never replaced by another. Only if
//! nothing was chosen, buildx's current builder stands in for a Docker Engine that lacks something.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::sleep;

use super::engine::{
    builders, candidates, connect_to, credentials, docker_around, places, settings, warn_plain,
};
use super::{builder, terminal};
use crate::config::EngineFlag;
use crate::docker::{DockerConfig, Engine, InvalidBuilder, StoredBuilder, StoredNode};
use crate::error::{Error, ErrorKind, nearest_name, visible};
use crate::node::builder::{InvalidNode, NodePlace, place};
use crate::node::choose::{BUILDER, Choice, HOST, Named, choose};
use crate::node::own::OWN;
use crate::node::{Address, Buildkitd, Node, NodeError, NodeFacts};

/// How long buildkitd may take to answer after its container was started.
const START_TIMEOUT: Duration = Duration::from_secs(9);
const START_PAUSE: Duration = Duration::from_millis(200);

/// How many nodes of a builder are asked. buildx opens all of them, too.
const MAX_NODES: usize = 32;

/// What a run needs.
pub(crate) struct Wanted<'w> {
    pub flag: &'w EngineFlag,
    /// What a node with these facts lacks, if anything.
    pub lacks: &'w (dyn Fn(&NodeFacts) -> Option<String> + Sync),
    /// Whether to say which settings are ignored.
    pub verbose: bool,
}

/// A node, and why it is the one.
pub(crate) struct Found {
    pub node: Node,
    /// For the first line of a run; `None` for a default socket.
    pub reason: Option<String>,
    /// Why buildx's current builder is not used, although this node lacks something.
    pub rejected: Option<String>,
}

/// Opens the node that counts. The outer error says that no engine answers, the inner one that it cannot
/// build.
pub(crate) async fn connect(
    wanted: &Wanted<'_>,
    docker: &DockerConfig,
) -> Result<Result<Found, NodeError>, Error> {
    let choice = choose(&settings(wanted.flag, docker));
    if wanted.verbose {
        for ignored in &choice.ignored {
            let counts = choice.origin.unwrap_or("Docker's default socket");
            terminal::stderr(&format!("note: {ignored} is ignored: {counts} names the engine\n"));
        }
    }
    let node = match open_choice(&choice, wanted, docker).await {
        Ok(Ok(node)) => node,
        // The error names the address, but not the setting.
        Ok(Err(error @ NodeError::NoBuildkitd { .. })) => return Err(named_by(error, &choice)),
        Ok(Err(error)) => return Ok(Err(error)),
        Err(error) => return Err(error),
    };
    let mut found = Found { node, reason: choice.reason(), rejected: None };
    if choice.origin.is_none()
        && let Some(lacking) = (wanted.lacks)(found.node.facts())
    {
        match instead(&found.node, wanted, docker).await {
            Ok(Some((node, name))) => {
                found.reason = Some(format!(
                    "buildx's current builder `{name}`, instead of {} at {}: {lacking}",
                    found.node.facts().name(),
                    found.node.address(),
                ));
                found.node = node;
            }
            Ok(None) => {}
            Err(why) => found.rejected = Some(why),
        }
    }
    if let Address::Buildkitd(address) = found.node.address() {
        warn_plain(address, address.plain());
    }
    Ok(Ok(found))
}

fn named_by(error: NodeError, choice: &Choice) -> Error {
    let error = Error::from(error);
    match (&choice.named, choice.origin) {
        (Named::Builder(name), _) => error.during(&format!("the builder `{name}`")),
        (_, Some(origin)) if origin != HOST => error.during(origin),
        _ => error,
    }
}

async fn open_choice(
    choice: &Choice,
    wanted: &Wanted<'_>,
    docker: &DockerConfig,
) -> Result<Result<Node, NodeError>, Error> {
    let origin = choice.origin.unwrap_or_default();
    let invalid = |error: crate::node::InvalidAddress| {
        let kind = if origin == HOST { ErrorKind::Usage } else { ErrorKind::Environment };
        Error::new(kind, format!("{origin}: {error}")).help(error.help())
    };
    let buildkitd = match &choice.named {
        Named::Builder(name) => return open_named(name, origin, wanted, docker).await,
        Named::Docker(_) | Named::Context(_) | Named::Sockets => None,
        Named::Host(host) => match host.parse().map_err(invalid)? {
            Address::Buildkitd(address) => Some(address),
            Address::Docker(_) => None,
        },
        Named::Buildctl(address) => Some(Buildkitd::from_buildctl(address).map_err(invalid)?),
    };
    let Some(address) = buildkitd else {
        let engine = connect_to(candidates(choice)?, docker).await?;
        return Ok(Node::of_engine(engine).await);
    };
    let engine = match &address {
        Buildkitd::DockerContainer { .. } => {
            Some(docker_around(&format!("{address} is in a Docker Engine"), docker).await?)
        }
        _ => None,
    };
    Ok(Node::of_buildkitd(address, engine).await)
}

/// Opens the builder that a flag or a variable names.
async fn open_named(
    name: &str,
    origin: &str,
    wanted: &Wanted<'_>,
    docker: &DockerConfig,
) -> Result<Result<Node, NodeError>, Error> {
    let failed = |error: InvalidBuilder| {
        let help = match &error {
            InvalidBuilder::Unknown { .. } if name.contains("://") => {
                "this is an address: write --host instead of --builder".to_owned()
            }
            InvalidBuilder::Unknown { known, .. }
                if let Some(meant) =
                    nearest_name(name, known.iter().map(String::as_str).chain([OWN])) =>
            {
                format!("did you mean `{meant}`?")
            }
            InvalidBuilder::Unknown { .. } => {
                "list them with `docker buildx ls`, or create one with `docker buildx create`"
                    .to_owned()
            }
            _ => "create the builder again with `docker buildx create`".to_owned(),
        };
        Error::new(ErrorKind::Environment, format!("{origin}: {error}")).help(help)
    };
    if name == OWN {
        let what = format!("the builder `{OWN}` needs a Docker Engine");
        let engine = docker_around(&what, docker).await?;
        let credentials = credentials(docker.clone());
        let own = builder::own(&engine, &credentials);
        return Ok(own.open(&builder::settings(None, None, &[])?).await);
    }
    let Some(builders) = builders() else {
        let message =
            format!("{origin}: neither HOME nor DOCKER_CONFIG says where buildx keeps its files");
        return Err(Error::new(ErrorKind::Environment, message).help("set BUILDX_CONFIG"));
    };
    if let Some(builder) = builders.builder(name).map_err(failed)? {
        return open_builder(&builder, wanted, docker).await;
    }
    // buildx lists docker contexts as builders.
    if !name.is_empty() && places().has_context(name) {
        let engine = connect_to(vec![places().context(name, BUILDER)?], docker).await?;
        return Ok(Node::of_engine(engine).await);
    }
    Err(failed(builders.unknown(name)))
}

/// Opens the first node of a builder that lacks nothing.
async fn open_builder(
    builder: &StoredBuilder,
    wanted: &Wanted<'_>,
    docker: &DockerConfig,
) -> Result<Result<Node, NodeError>, Error> {
    let name = &builder.name;
    let recreate = "create it again with `docker buildx create`";
    match &builder.nodes[..] {
        [] => {
            let message = format!("the builder `{name}` has no nodes");
            Err(Error::new(ErrorKind::Environment, message).help(recreate))
        }
        [node] => open_node(builder, node, docker).await,
        nodes if nodes.len() > MAX_NODES => {
            let message = format!("the builder `{name}` has more than {MAX_NODES} nodes");
            Err(Error::new(ErrorKind::Environment, message).help(recreate))
        }
        nodes => {
            let opening = nodes.iter().map(|node| open_node(builder, node, docker));
            let (mut notes, mut answers) = (Vec::new(), false);
            for (node, opened) in nodes.iter().zip(join_all(opening).await) {
                let why = match opened.and_then(|opened| opened.map_err(Error::from)) {
                    Ok(opened) => match (wanted.lacks)(opened.facts()) {
                        None => return Ok(Ok(opened)),
                        Some(lacking) => {
                            answers = true;
                            format!("{} {lacking}", listed(opened.facts()))
                        }
                    },
                    Err(error) => error.to_string(),
                };
                notes.push(format!("node {}: {why}", node.name));
            }
            let (message, help) = match answers {
                true => (
                    format!(
                        "no node of the builder `{name}` can build all of this, and onebuild cannot yet \
                         build on several nodes at once"
                    ),
                    "select platforms of one node with --platform, in one run for each node"
                        .to_owned(),
                ),
                false => (
                    format!("no node of the builder `{name}` answers"),
                    format!("check it with `docker buildx inspect {name}`"),
                ),
            };
            let error = Error::new(ErrorKind::Environment, message).help(help);
            Err(notes.into_iter().fold(error, Error::note))
        }
    }
}

/// The platforms of a node, for a note.
fn listed(facts: &NodeFacts) -> String {
    let platforms: Vec<_> = facts.platforms.iter().map(ToString::to_string).collect();
    format!("it has {};", platforms.join(", "))
}

async fn open_node(
    builder: &StoredBuilder,
    node: &StoredNode,
    docker: &DockerConfig,
) -> Result<Result<Node, NodeError>, Error> {
    let invalid = |error: InvalidNode| {
        let message = format!("the builder `{}`: {error}", builder.name);
        Error::new(ErrorKind::Environment, message).help(error.help())
    };
    match place(builder, node).map_err(invalid)? {
        NodePlace::Docker { engine } => {
            let engine = engine_of(builder, &engine, docker).await?;
            Ok(Node::of_engine(engine).await)
        }
        NodePlace::Buildkitd(address) => Ok(Node::of_buildkitd(address, None).await),
        NodePlace::Container { container, engine, made_by_buildx } => {
            let engine = engine_of(builder, &engine, docker).await?;
            let is_started = made_by_buildx && start(builder, &container, &engine).await?;
            let address = Buildkitd::DockerContainer { name: container };
            let deadline = Instant::now() + START_TIMEOUT;
            loop {
                let opened = Node::of_buildkitd(address.clone(), Some(engine.clone())).await;
                match opened {
                    Err(_) if is_started && Instant::now() < deadline => sleep(START_PAUSE).await,
                    opened => return Ok(opened),
                }
            }
        }
    }
}

/// Connects to the Docker Engine of a node: a docker context, or an endpoint.
async fn engine_of(
    builder: &StoredBuilder,
    endpoint: &str,
    docker: &DockerConfig,
) -> Result<Engine, Error> {
    let places = places();
    let origin = format!("the builder `{}`", builder.name);
    let candidates = match endpoint {
        // This follows DOCKER_HOST, as in buildx, but no docker context.
        "" | "default" => {
            let settings = settings(&EngineFlag::Builder("default".to_owned()), docker);
            candidates(&choose(&settings))?
        }
        name if places.has_context(name) => vec![places.context(name, origin)?],
        host => vec![places.host(host, origin)?],
    };
    connect_to(candidates, docker).await
}

/// Starts the container of a node, as buildx does. Returns whether it was stopped.
async fn start(builder: &StoredBuilder, container: &str, engine: &Engine) -> Result<bool, Error> {
    let name = &builder.name;
    let failed = |error: crate::docker::ContainerError| {
        let endpoint = engine.endpoint();
        match error.is_missing {
            true => Error::new(
                ErrorKind::Environment,
                format!("the builder `{name}` has no container `{container}` at {endpoint}"),
            )
            .help(format!("create it with `docker buildx inspect --bootstrap {name}`")),
            false => Error::new(
                ErrorKind::Environment,
                format!(
                    "the container `{container}` of the builder `{name}` at {endpoint}: {error}"
                ),
            )
            .help(format!("check it with `docker buildx inspect --bootstrap {name}`")),
        }
    };
    if engine.state(container).await.map_err(failed)?.running {
        return Ok(false);
    }
    engine.start_container(container).await.map_err(failed)?;
    Ok(true)
}

/// buildx's current builder, if there is one with which nothing lacks. The error says why it cannot be used.
async fn instead(
    node: &Node,
    wanted: &Wanted<'_>,
    docker: &DockerConfig,
) -> Result<Option<(Node, String)>, String> {
    let Some(builders) = builders() else { return Ok(None) };
    let key = node.address().to_string();
    let builder =
        builders.current(&key).map_err(|error| visible(&error.to_string()).into_owned())?;
    let Some(builder) = builder.filter(|builder| !matches!(&*builder.driver, "" | "docker")) else {
        return Ok(None);
    };
    let name = &builder.name;
    let rejected =
        |why: String| format!("buildx's current builder `{name}` is not used: {}", visible(&why));
    let opened = open_builder(&builder, wanted, docker).await;
    let opened = opened.and_then(|opened| opened.map_err(Error::from));
    let opened = opened.map_err(|error| rejected(error.to_string()))?;
    match (wanted.lacks)(opened.facts()) {
        None => Ok(Some((opened, builder.name))),
        Some(lacking) => Err(rejected(lacking)),
    }
}
