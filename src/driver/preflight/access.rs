//! Whether the registries will take what is to be pushed, asked before anything is built.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;

use crate::failure::RegistryFault;
use crate::image::Reference;
use crate::plan::BuildRequest;
use crate::registry::Registry;

use crate::driver::obstacle::Obstacle;

/// Repositories asked at the same time.
const AT_ONCE: usize = 8;

/// A registry that takes longer is asked by its pushes.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(5);

/// What of `requests` the registries refuse: a login that is missing or not valid, a repository that
/// does not exist. What this machine cannot find out is no obstacle: the engine may reach a registry
/// that we do not, and a server error may pass.
pub async fn refused(requests: &[BuildRequest], registry: &impl Registry) -> Vec<Obstacle> {
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
    let mut answers = futures::stream::iter(asked).buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        obstacles.extend(answer.filter(|obstacle| !obstacles.contains(obstacle)));
    }
    obstacles
}
