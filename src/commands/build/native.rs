//! The engine for the requests, and the platform `native`, which is that of the engine.

use std::borrow::Cow;

use crate::config::BuildConfig;
use crate::docker::DockerConfig;
use crate::driver::{Environment, IdleCaches, preflight};
use crate::error::Error;
use crate::image::Platform;
use crate::node::NodeFacts;
use crate::plan::BuildRequest;
use crate::run::engine;
use crate::run::node::{Found, Wanted, connect};

/// The engine for the requests.
pub(super) async fn found(
    requests: &[BuildRequest],
    idle: &IdleCaches,
    config: &BuildConfig,
    docker: &DockerConfig,
    verbose: bool,
) -> Result<Found, Error> {
    let lacks = |facts: &NodeFacts| {
        let obstacles = preflight(&resolved(requests, facts), idle, facts, None);
        obstacles.into_iter().next().map(|obstacle| obstacle.message)
    };
    let wanted = Wanted { flag: &config.engine, lacks: &lacks, verbose };
    Ok(connect(&wanted, docker).await??)
}

/// Replaces `native` by the platform of the engine.
pub(super) fn on_engine(requests: &mut [BuildRequest], native: &Platform) {
    for request in requests {
        request.recipe.platforms = Platform::resolved(&request.recipe.platforms, native);
    }
}

/// The requests with `native` replaced by the platform of the engine.
pub(super) fn resolved<'r>(
    requests: &'r [BuildRequest],
    facts: &NodeFacts,
) -> Cow<'r, [BuildRequest]> {
    let mut requests = Cow::Borrowed(requests);
    if has_native(&requests) {
        on_engine(requests.to_mut(), facts.native());
    }
    requests
}

/// The same before the engine is opened for the run: what was recorded has the platform of its engine, so it
/// can be compared with nothing else. Asks the engine only if a request needs it.
pub(super) async fn known(
    mut requests: Vec<BuildRequest>,
    config: &BuildConfig,
    environment: Environment,
) -> Result<Vec<BuildRequest>, Error> {
    if has_native(&requests) {
        let docker = engine::docker_config(config.cells.strict)?;
        let (idle, _) = IdleCaches::find(&requests, environment);
        let Found { node, .. } = found(&requests, &idle, config, &docker, false).await?;
        on_engine(&mut requests, node.facts().native());
    }
    Ok(requests)
}

fn has_native(requests: &[BuildRequest]) -> bool {
    requests.iter().any(|request| request.recipe.platforms.iter().any(Platform::is_native))
}
