//! What the registry had before a push.

use std::future::Future;
use std::pin::pin;

use crate::image::{Digest, Reference};
use crate::outcome::{Built, CellResult};
use crate::registry::Registry;

/// The digests that `references` resolve to; `None` for one that does not exist or is not known. They are asked
/// for one by one: `--jobs` limits the requests, too.
pub(super) async fn digests(
    registry: &impl Registry,
    references: &[Reference],
) -> Vec<Option<Digest>> {
    let mut digests = Vec::new();
    for reference in references {
        digests.push(registry.head(reference).await.ok().flatten());
    }
    digests
}

/// Runs `work`, and `question` beside it. The end of `work` ends the question too: a later answer
/// would be about the result of the push.
pub(super) async fn beside<T, A>(
    work: impl Future<Output = T>,
    question: impl Future<Output = A>,
) -> (T, Option<A>) {
    let (mut work, question) = (pin!(work), pin!(question));
    let answer = tokio::select! {
        biased;
        result = &mut work => return (result, None),
        answer = question => answer,
    };
    (work.await, Some(answer))
}

/// Marks a verified push that changed nothing.
pub(super) fn marked(result: CellResult, before: Option<Vec<Option<Digest>>>) -> CellResult {
    let CellResult::Built(built) = result else { return result };
    let unchanged = built.unverified.is_none()
        && built.digest.is_some()
        && before.is_some_and(|before| {
            before.len() == built.pushed.len() && before.iter().all(|had| *had == built.digest)
        });
    CellResult::Built(Built { unchanged, ..built })
}
