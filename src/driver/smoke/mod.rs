//! A builder that outputs an image only after its smoke test passed on every platform.
//!
//! A cell with a test is first built into the engine's store, under a name unique to this run. Each
//! platform is tested in a container, when one of the [`slots`] is free. Then the image is built again
//! for its output, and every step comes from the tested build: BuildKit holds its results meanwhile
//! ([`EngineBuilder::hold`]), so that neither other builds nor a lost cache can interfere. The digest is
//! compared before the output, and again afterwards if the output has the same form.

mod foreign;
mod limit;
mod log;
mod relay;
mod run;
mod slots;
mod trial;
mod trouble;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leftovers::{Names, Swept, beside};
use crate::buildkit::{Connection, SolveError};
use crate::docker::{ContainerError, Engine};
use crate::driver::build::builder::{EngineBuilder, engine_silent, failed};
use crate::driver::build::options::SolveOptions;
use crate::driver::stalled::waiting::{WaitingFor, report_wait};
use crate::failure::Kind;
use crate::image::{Digest, Platform};
use crate::input::SmokeTest;
use crate::outcome::{Built, CellResult, Failure, SmokeResult};
use crate::plan::{BuildRequest, FileOutput, Output};
use crate::schedule::{Builder, Events};
use run::{SmokeRun, SmokeStop};
use slots::SmokeSlots;
use trial::{Trial, TrialSubject};

/// How long the engine may still work on a cancelled request.
const CANCEL_GRACE: Duration = Duration::from_millis(250);

/// Tests the images that it builds.
pub(crate) struct SmokeTested {
    builder: EngineBuilder,
    /// Where the tests run; a buildkitd may have none.
    engine: Option<Engine>,
    /// The platform that the engine's machine runs without emulation.
    native: Platform,
    slots: SmokeSlots,
    /// Identifies the containers and images of this run.
    names: Names,
    count: AtomicU32,
    left: Mutex<Left>,
}

/// Containers and images that may still be on the engine.
#[derive(Debug, Default)]
struct Left {
    containers: BTreeSet<String>,
    images: BTreeSet<String>,
}

impl SmokeTested {
    /// Wraps `builder`. `at_once` is how many tests run at the same time, by
    /// default one per core of the engine's machine.
    pub(crate) fn new(builder: EngineBuilder, at_once: Option<NonZeroUsize>) -> Self {
        let (count, left) = Default::default();
        let (engine, facts) = (builder.node.engine().cloned(), builder.node.facts());
        let slots = SmokeSlots::new(at_once.unwrap_or(facts.cores));
        let native = facts.native().clone();
        Self { builder, engine, native, slots, names: Names::new(), count, left }
    }

    /// Runs `work`, and meanwhile removes what killed runs left on the engine.
    pub(crate) async fn beside<T>(
        &self,
        work: impl Future<Output = T>,
        cancel: &CancellationToken,
    ) -> (T, Swept) {
        match &self.engine {
            Some(engine) => beside(work, engine, &self.names, cancel).await,
            None => (work.await, Swept::default()),
        }
    }

    /// Removes what cells that ended early may have left, and closes the inner builder. Returns a message
    /// for each container and image that could not be removed.
    pub(crate) async fn close(&self) -> Vec<String> {
        let mut still = Vec::new();
        // After one request without an answer, the engine is not asked again.
        let mut silent = None;
        // Twice, because the engine may still work on a cancelled request.
        for pause in [Duration::ZERO, CANCEL_GRACE] {
            let Some(engine) = &self.engine else { break };
            let left = std::mem::take(&mut *self.left());
            if left.containers.is_empty() && left.images.is_empty() {
                break;
            }
            tokio::time::sleep(pause).await;
            still.clear();
            for container in &left.containers {
                if let Err(error) = unless(&mut silent, engine.remove_container(container)).await {
                    still.push(format!(
                        "the container {container} of a smoke test was not removed: {error} (docker \
                         rm --force --volumes {container})"
                    ));
                }
            }
            for image in left.images.iter().filter_map(|image| image.parse().ok()) {
                if let Err(error) = unless(&mut silent, engine.remove_image(&image)).await {
                    still.push(format!(
                        "the image {image} of a smoke test was not removed: {error} (docker rmi \
                         {image})"
                    ));
                }
            }
            if pause.is_zero() {
                *self.left() = left;
            }
        }
        self.builder.close().await;
        still
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    async fn build_tested(
        &self,
        request: &BuildRequest,
        test: &SmokeTest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<Built, SmokeStop> {
        let Some(engine) = &self.engine else {
            let message = "a smoke test needs a Docker Engine, and none was found";
            return Err(failed(Kind::Unknown, message).into());
        };
        let image = self.names.image(self.number());
        let name = image.to_string();
        let opening = cancel.run_until_cancelled(self.builder.open_for(request)).await;
        let opened = &opening.ok_or(SmokeStop::Cancelled)??;
        self.left().images.insert(name.clone());
        let proxies = &*self.builder.proxies;
        let cell =
            SmokeRun { engine, request, test, opened, image: &image, proxies, events, cancel };
        let (holding, held) = oneshot::channel();
        let trial = self.builder.options(request).into_store(&image);
        let built = tokio::select! {
            built = self.test_and_build(&cell, &trial, held) => built,
            never = Box::pin(self.builder.hold(opened.session(), request, &trial, holding)) => {
                match never {}
            }
        };
        EngineBuilder::withdraw(opened.session(), &request.cell);
        let removed = engine.remove_image(&image).await;
        // The engine may still tag the image of a cancelled build: `close` removes it again.
        if removed.is_ok() && !matches!(built, Err(SmokeStop::Cancelled)) {
            self.left().images.remove(&name);
        }
        match built {
            Err(SmokeStop::Cancelled) => Err(SmokeStop::Cancelled),
            Err(SmokeStop::Failed(failure)) => Ok(opened.ended(Err(failure)).await?),
            Ok(built) => Ok(opened.ended(Ok(built)).await?),
        }
    }

    async fn test_and_build(
        &self,
        cell: &SmokeRun<'_>,
        trial: &SolveOptions<'_>,
        held: oneshot::Receiver<Result<(), SolveError>>,
    ) -> Result<Built, SmokeStop> {
        let SmokeRun { request, opened, events, cancel, .. } = *cell;
        let session = opened.session();
        let first = Box::pin(self.builder.build_in(session, request, trial, events));
        let first = cancel.run_until_cancelled(first).await.ok_or(SmokeStop::Cancelled)??;
        let waiting = WaitingFor::engine(&request.cell, "holding the image for its smoke test");
        let held = report_wait(Some(events), waiting, held);
        match cancel.run_until_cancelled(held).await.ok_or(SmokeStop::Cancelled)? {
            Ok(Ok(())) => {}
            Ok(Err(SolveError { connection: Connection::Silent, .. })) => {
                return Err(engine_silent().into());
            }
            Ok(Err(error)) => return Err(failed(Kind::Unknown, error).into()),
            Err(_) => {
                let message = "BuildKit cannot hold the image for its smoke test";
                return Err(failed(Kind::Unknown, message).into());
            }
        }

        let mut took = Duration::ZERO;
        for platform in &request.recipe.platforms {
            took += self.test_on(cell, platform).await?;
        }

        // No step may run a second time, not even with --no-cache.
        let (ignored, _) = mpsc::channel(1);
        let again = trial.clone().cached();
        let again = Box::pin(self.builder.build_in(session, request, &again, &ignored));
        let again = cancel.run_until_cancelled(again).await.ok_or(SmokeStop::Cancelled)??;
        same(first.digest.as_ref(), again.digest.as_ref(), "rebuilt image")?;

        let last = self.builder.options(request).cached();
        let (sender, relayed) = mpsc::channel(64);
        let last = async {
            let built = Box::pin(self.builder.build_in(session, request, &last, &sender)).await;
            drop(sender);
            built
        };
        let last = async { tokio::join!(last, relay::outputs(relayed, events)).0 };
        let last = cancel.run_until_cancelled(last).await.ok_or(SmokeStop::Cancelled)??;
        if is_comparable(request) {
            same(first.digest.as_ref(), last.digest.as_ref(), "output image")?;
        }
        let Built { cached_steps, total_steps, .. } = first;
        Ok(Built { cached_steps, total_steps, smoke: SmokeResult::Passed { took }, ..last })
    }

    /// Tests one platform when a slot is free. Returns the duration without the wait. The container is
    /// removed when this returns.
    async fn test_on(
        &self,
        cell: &SmokeRun<'_>,
        platform: &Platform,
    ) -> Result<Duration, SmokeStop> {
        let number = self.number();
        let name = self.names.container(number);
        let is_emulated = !self.native.runs_natively(platform);
        let subject = TrialSubject { container: &name, number, platform, is_emulated };
        let trial = Trial::new(cell, &self.names, subject);
        let _slot = trial.wait_for(&self.slots).await?;
        let since = Instant::now();
        self.left().containers.insert(name.clone());
        let done = trial.run(cell.cancel).await;
        let removing = cell.engine.remove_container(&name);
        let waiting = WaitingFor::engine(&cell.request.cell, "removing the container");
        let removed = report_wait(Some(cell.events), waiting, removing).await;
        // The engine may still be creating it: `close` removes it again.
        if removed.is_ok() && !matches!(done, Err(SmokeStop::Cancelled)) {
            self.left().containers.remove(&name);
        }
        done.map(|()| since.elapsed())
    }
}

/// Runs `removal`, unless the engine already failed to answer.
async fn unless(
    silent: &mut Option<ContainerError>,
    removal: impl Future<Output = Result<(), ContainerError>>,
) -> Result<(), ContainerError> {
    if let Some(error) = silent {
        return Err(error.clone());
    }
    let removed = removal.await;
    *silent = removed.as_ref().err().filter(|error| error.is_unanswered).cloned();
    removed
}

impl Builder for SmokeTested {
    async fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        let test = match &request.policy.smoke {
            Some(test) if !request.policy.skip_smoke => test,
            skipped => {
                let mut result = self.builder.build(request, events, cancel).await;
                if let (CellResult::Built(built), Some(_)) = (&mut result, skipped) {
                    built.smoke = SmokeResult::Skipped;
                }
                return result;
            }
        };
        match Box::pin(self.build_tested(request, test, events, cancel)).await {
            Ok(built) => CellResult::Built(built),
            Err(SmokeStop::Cancelled) => CellResult::Cancelled,
            Err(SmokeStop::Failed(failure)) => CellResult::Failed(failure),
        }
    }
}

/// Whether the output has the same digest as the image in the engine's store. Provenance differs each
/// time, and an OCI archive has another type of manifest.
fn is_comparable(request: &BuildRequest) -> bool {
    let image = match &request.delivery.output {
        Output::Store | Output::Digest | Output::Push | Output::StoreAndPush => true,
        Output::File { kind, .. } => *kind == FileOutput::Docker,
        Output::Nothing => false,
    };
    image && !request.recipe.provenance
}

/// Fails if `other`, the digest of `what`, is not the tested one.
fn same(tested: Option<&Digest>, other: Option<&Digest>, what: &str) -> Result<(), Box<Failure>> {
    if tested == other {
        return Ok(());
    }
    let shown = |digest: Option<&Digest>| digest.map_or("nothing", Digest::short).to_owned();
    Err(Box::new(Failure {
        message: format!(
            "the {what} is not the tested image: {} instead of {}",
            shown(other),
            shown(tested)
        ),
        help: Some(
            "a base image or a download changed while the test ran: build the cell again"
                .to_owned(),
        ),
        ..Failure::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_digest_than_the_tested_one_is_a_failure() {
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        assert!(same(Some(&one), Some(&one), "output image").is_ok());
        for (tested, found) in [(Some(&one), Some(&other)), (Some(&one), None), (None, Some(&one))]
        {
            let message = same(tested, found, "output image").unwrap_err().message;
            assert!(message.contains("is not the tested image"), "{message}");
        }
    }
}
