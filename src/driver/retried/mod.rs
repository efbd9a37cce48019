//! A builder that builds a cell again after a failure that may be temporary, or that the matrix declares
//! as such.
//!
//! An attempt after a failed push or smoke test uses the cache even with `--no-cache`: this run has built
//! the steps, so nothing is built a second time. A cell that waits holds no slot of `--jobs`.

mod pause;

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use crate::event::{Event, Retry, StepId, Wait};
use crate::failure::{Attempt, Failure, Kind, Phase, RegistryFault};
use crate::outcome::{Built, CellResult};
use crate::plan::BuildRequest;
use crate::registry::Gates;
use crate::schedule::{Builder, Job};
use crate::text;

pub(crate) use pause::{pause, too_long};

/// The number of a wait at a gate, which is no step of BuildKit.
const GATE: StepId = StepId(u32::MAX);

/// Repeats what the inner builder could not do.
pub struct Retried<B> {
    builder: B,
    gates: Gates,
}

impl<B> Retried<B> {
    /// Wraps `builder`. `gates` are those of the registry client, which `builder` uses.
    pub fn new(builder: B, gates: Gates) -> Self {
        Self { builder, gates }
    }

    /// The inner builder.
    pub(crate) fn inner(&self) -> &B {
        &self.builder
    }

    /// Waits without a slot, as long as a registry that `job` pushes to asks its clients to wait. Returns `None`
    /// if the job was cancelled meanwhile.
    async fn held_back(&self, job: &Job<'_>) -> Option<()> {
        if !job.request.delivery.output.is_push() {
            return Some(());
        }
        for reference in &job.request.delivery.references {
            let host = reference.repository.host();
            // After too long a wait, the registry's answer is the failure.
            if self.gates.wait(host).is_none() || too_long(&self.gates, host).is_some() {
                continue;
            }
            let (cell, what) = (job.request.cell.clone(), "it asked to wait".to_owned());
            let wait = Wait { host: host.to_owned(), what, since: Duration::ZERO };
            let waiting = Event::Waiting { cell: cell.clone(), step: GATE, wait };
            // A closed display does not stop the build.
            let _ = job.events.send(waiting).await;
            let passing = job.slot.without(self.gates.pass(host));
            job.cancel.run_until_cancelled(passing).await?;
            let _ = job.events.send(Event::Answered { cell, step: GATE }).await;
        }
        Some(())
    }

    /// Whether another attempt may succeed. If a registry asks for too long a wait, `failure` says so.
    fn is_worth_retrying(&self, failure: &mut Failure) -> bool {
        if failure.retry_pattern.is_some() {
            return true;
        }
        if !failure.is_temporary() {
            return false;
        }
        match host(failure).and_then(|host| too_long(&self.gates, host)) {
            Some(wait) => {
                let wait = text::duration(wait);
                failure.help = Some(format!("the registry asks to wait {wait}: run it again then"));
                false
            }
            None => true,
        }
    }
}

impl<B: Builder> Builder for Retried<B> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let retries = job.request.policy.retry.retries();
        let mut request = Cow::Borrowed(job.request);
        let mut earlier: Vec<Attempt> = Vec::new();
        loop {
            let started = Instant::now();
            if self.held_back(job).await.is_none() {
                return CellResult::Cancelled;
            }
            let result = self.builder.build(&Job { request: &request, ..*job }).await;
            let mut failure = match result {
                CellResult::Failed(failure) => failure,
                CellResult::Built(built) => {
                    return CellResult::Built(Built { earlier, ..built });
                }
                other => return other,
            };
            let took = started.elapsed();
            let number = u32::try_from(earlier.len()).unwrap_or(u32::MAX).saturating_add(1);
            if number > retries || !self.is_worth_retrying(&mut failure) {
                failure.earlier = earlier;
                return CellResult::Failed(failure);
            }
            let again = pause(job, &self.gates, host(&failure), number, |wait| Event::Retrying {
                cell: request.cell.clone(),
                retry: Retry { number, of: retries, failure: failure.clone(), wait },
            });
            if again.await.is_none() {
                (failure.earlier, failure.is_interrupted) = (earlier, true);
                return CellResult::Failed(failure);
            }
            if matches!(failure.phase, Phase::Push | Phase::Verify | Phase::SmokeTest) {
                continued(&mut request);
            }
            earlier.push(Attempt { failure, took });
        }
    }
}

/// The same request, but the steps that this run has built are not built again.
fn continued(request: &mut Cow<'_, BuildRequest>) {
    if request.policy.no_cache {
        request.to_mut().policy.no_cache = false;
    }
}

/// The registry or token server that failed.
fn host(failure: &Failure) -> Option<&str> {
    match &failure.kind {
        Kind::Registry { fault: RegistryFault::OnTheWay { host, .. }, .. } => Some(host),
        Kind::Registry { image, .. } => Some(image.repository.host()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
