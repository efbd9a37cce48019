//! Checks push access to the registries before anything is built.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures::StreamExt as _;

use crate::failure::RegistryFault;
use crate::image::Reference;
use crate::plan::BuildRequest;
use crate::registry::Registry;

use crate::driver::obstacle::Obstacle;

/// A registry that takes longer is not checked; its pushes will show.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(5);

/// The pushes of `requests` that a registry would refuse: a login that is missing or not valid, or a
/// repository that does not exist. A failed check is not an obstacle: the engine may reach a registry
/// that this machine cannot, and a server error may be temporary. `jobs` repositories are checked at the
/// same time.
pub(crate) async fn refused(
    requests: &[BuildRequest],
    registry: &impl Registry,
    jobs: NonZeroUsize,
) -> Vec<Obstacle> {
    let pushed = requests.iter().filter(|request| request.delivery.output.is_push());
    let references = pushed.flat_map(|request| &request.delivery.references);
    let repositories: BTreeMap<String, &Reference> =
        references.map(|reference| (reference.repository.to_string(), reference)).collect();
    let asked = repositories.into_values().map(|reference| async move {
        let asked = tokio::time::timeout(ACCESS_TIMEOUT, registry.may_push(reference)).await;
        let error = asked.ok()?.err()?;
        let refused = matches!(
            error.fault(),
            RegistryFault::Unauthorized { .. }
                | RegistryFault::Denied { .. }
                | RegistryFault::NotFound
                | RegistryFault::Credentials { .. }
                | RegistryFault::InvalidHost
        );
        refused.then(|| Obstacle { message: error.cause(), help: error.help().unwrap_or_default() })
    });
    let mut obstacles: Vec<Obstacle> = Vec::new();
    let mut answers = futures::stream::iter(asked).buffered(jobs.get());
    while let Some(answer) = answers.next().await {
        obstacles.extend(answer.filter(|obstacle| !obstacles.contains(obstacle)));
    }
    obstacles
}
