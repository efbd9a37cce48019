//! A builder that builds a cell again after a failure that may be temporary, or that the matrix declares
//! as such.
//!
//! An attempt after a failed push or smoke test uses the cache even with `--no-cache`: this run has built
//! the steps, so nothing is built a second time. A cell that waits holds no slot of `--jobs`.
//!
//! After a lost engine, the wait ends when the engine answers. Cells that would start meanwhile wait, too.

mod pause;

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;

use super::disk::EngineDisk;
use super::outage::Outage;
use super::stalled::waiting::GATE;
use crate::event::{Event, Retry, Wait};
use crate::failure::{Attempt, Failure, Kind, Phase, RegistryFault};
use crate::outcome::CellResult;
use crate::plan::BuildRequest;
use crate::registry::Gates;
use crate::schedule::{Builder, Job};
use crate::text;

use pause::pause_until;
pub(crate) use pause::{pause, too_long};

/// Repeats what the inner builder could not do.
pub struct Retried<B> {
    builder: B,
    gates: Gates,
    outage: Outage,
    disk: EngineDisk,
}

impl<B> Retried<B> {
    /// Wraps `builder`. `gates` are those of the registry client, and `outage` and `disk` those of the engine,
    /// which `builder` uses.
    pub fn new(builder: B, gates: Gates, outage: Outage, disk: EngineDisk) -> Self {
        Self { builder, gates, outage, disk }
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
    fn is_worth_retrying(&self, failure: &mut Failure, request: &BuildRequest) -> bool {
        if failure.retry_pattern.is_some() {
            return true;
        }
        if !failure.is_temporary() || is_of_cache(failure, request) {
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
        // How often the cell was built.
        let mut number = 0;
        // Whether build cache was removed for this cell.
        let mut made_room = false;
        loop {
            if let Err(result) = self.outage.before(job).await {
                return after(earlier, result);
            }
            if number == 0 {
                let room = job.cancel.run_until_cancelled(self.disk.before()).await;
                match room {
                    None => return CellResult::Cancelled,
                    Some(Err(full)) => return CellResult::Failed(full),
                    Some(Ok(())) => {}
                }
            }
            let started = Instant::now();
            if self.held_back(job).await.is_none() {
                return after(earlier, CellResult::Cancelled);
            }
            let job_now = Job { request: &request, ..*job };
            let result = self.outage.named(job, self.builder.build(&job_now)).await;
            let mut failure = match result {
                CellResult::Failed(failure) => failure,
                other => return after(earlier, other),
            };
            let took = started.elapsed();
            let is_lost = failure.kind == Kind::EngineLost;
            if is_lost {
                self.outage.lost();
            }
            number += 1;
            if failure.kind == Kind::EngineDiskFull && !made_room {
                made_room = true;
                let room = job.cancel.run_until_cancelled(self.disk.made_room()).await;
                if room == Some(true) {
                    let (cell, of, wait) =
                        (request.cell.clone(), number.max(retries), Some(Duration::ZERO));
                    let retry = Retry { number, of, failure: failure.clone(), took, wait };
                    // A closed display does not stop the build.
                    let _ = job.events.send(Event::Retrying { cell: cell.clone(), retry }).await;
                    let _ = job.events.send(Event::Resumed { cell }).await;
                    add(&mut earlier, failure, took);
                    continue;
                }
            }
            if number > retries || !self.is_worth_retrying(&mut failure, &request) {
                return after(earlier, CellResult::Failed(failure));
            }
            let retrying = |wait| Event::Retrying {
                cell: request.cell.clone(),
                retry: Retry { number, of: retries, failure: failure.clone(), took, wait },
            };
            let again = match is_lost {
                true => pause_until(job, self.outage.end(), retrying(None)).await,
                false => {
                    let pausing = pause(job, &self.gates, host(&failure), number, |wait| {
                        retrying(Some(wait))
                    });
                    pausing.await.map(Ok)
                }
            };
            match again {
                None => {
                    failure.is_interrupted = true;
                    return after(earlier, CellResult::Failed(failure));
                }
                Some(Err(gone)) => {
                    add(&mut earlier, failure, took);
                    return after(earlier, CellResult::Failed(gone));
                }
                Some(Ok(())) => {}
            }
            if failure.kind == Kind::DamagedCache {
                request.to_mut().policy.no_cache = true;
            } else if matches!(failure.phase, Phase::Push | Phase::Verify | Phase::SmokeTest) {
                continued(&mut request);
            }
            add(&mut earlier, failure, took);
        }
    }
}

/// Adds an attempt, after the attempts to verify it.
fn add(earlier: &mut Vec<Attempt>, mut failure: Box<Failure>, took: Duration) {
    earlier.append(&mut failure.earlier);
    earlier.push(Attempt { failure, took });
}

/// The result of a cell, with the attempts before the last one.
fn after(mut earlier: Vec<Attempt>, mut result: CellResult) -> CellResult {
    let own = match &mut result {
        CellResult::Built(built) => &mut built.earlier,
        CellResult::Failed(failure) => &mut failure.earlier,
        CellResult::NotStarted(_) | CellResult::Cancelled => return result,
    };
    earlier.append(own);
    *own = earlier;
    result
}

/// Whether the upload of a cache failed. In a second solve, BuildKit 0.25 may leave out an export that failed
/// in the first one, without an error.
fn is_of_cache(failure: &Failure, request: &BuildRequest) -> bool {
    let Kind::Registry { image, .. } = &failure.kind else { return false };
    failure.phase == Phase::Push && !request.has_name_in(&image.repository)
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
