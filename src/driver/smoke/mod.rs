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

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leftovers::{Names, Swept, beside};
use crate::buildkit::SolveError;
use crate::cell_name::CellName;
use crate::docker::{ContainerError, Engine};
use crate::driver::build::builder::EngineBuilder;
use crate::driver::build::destination::{Destination, Exported};
use crate::driver::build::failure::{failed, failure};
use crate::driver::build::options::{IntoStore, SolveOptions};
use crate::driver::build::watch::Seen;
use crate::driver::stalled::waiting::{WaitingFor, report_wait};
use crate::failure::Kind;
use crate::image::{Digest, Platform, Reference};
use crate::input::SmokeTest;
use crate::outcome::{Built, CellResult, Failure, SmokeResult};
use crate::plan::{BuildRequest, FileOutput, Output};
use crate::schedule::{Builder, Events, Job};
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
    /// The digest of each cell that passed its test, and how long that took. Another attempt does not test
    /// the same image again.
    passed: Mutex<HashMap<CellName, (Digest, Duration)>>,
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
        let (count, left, passed) = Default::default();
        let engine = builder.node.engine().cloned();
        let facts = builder.node.docker().map_or(builder.node.facts(), |(_, facts)| facts);
        let slots = SmokeSlots::new(at_once.unwrap_or(facts.cores));
        let native = facts.native().clone();
        Self { builder, engine, native, slots, names: Names::new(), count, left, passed }
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

    /// A new name for an image of this run.
    fn image(&self) -> Reference {
        let image = self.names.image(self.number());
        self.left().images.insert(image.to_string());
        image
    }

    fn number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    async fn build_tested(&self, job: &Job<'_>, test: &SmokeTest) -> Result<Built, SmokeStop> {
        let Job { request, events, cancel, .. } = *job;
        let Some(engine) = &self.engine else {
            let message = "a smoke test needs a Docker Engine, and none was found";
            return Err(failed(Kind::Unknown, message).into());
        };
        let opening = cancel.run_until_cancelled(self.builder.open_for(request)).await;
        let opened = &opening.ok_or(SmokeStop::Cancelled)??;
        // Before the build, because the place for a file may not be usable.
        let destination = self.builder.destination(&request.delivery.output)?;
        let image = self.image();
        let proxies = &*self.builder.proxies;
        let cell =
            SmokeRun { engine, request, test, opened, image: &image, proxies, events, cancel };
        let (holding, held) = oneshot::channel();
        let trial = self.builder.options(request).into_store(&image);
        let built = tokio::select! {
            built = self.test_and_build(&cell, &trial, held, &destination) => built,
            never = Box::pin(self.builder.hold(opened.session(), request, &trial, holding)) => {
                match never {}
            }
        };
        EngineBuilder::withdraw(opened.session(), &request.cell);
        self.remove_image(engine, &image, matches!(built, Err(SmokeStop::Cancelled))).await;
        let exported = match built {
            Err(SmokeStop::Cancelled) => return Err(SmokeStop::Cancelled),
            Err(SmokeStop::Failed(failure)) => Err(failure),
            Ok(exported) => Ok(exported),
        };
        let references = &request.delivery.references;
        let ended = destination.ended(exported, references, (&request.cell, events), cancel);
        Ok(ended.await.ok_or(SmokeStop::Cancelled)??)
    }

    async fn remove_image(&self, engine: &Engine, image: &Reference, is_cancelled: bool) {
        let removed = engine.remove_image(image).await;
        // The engine may still tag the image of a cancelled build: `close` removes it again.
        if removed.is_ok() && !is_cancelled {
            self.left().images.remove(&image.to_string());
        }
    }

    async fn test_and_build(
        &self,
        cell: &SmokeRun<'_>,
        trial: &SolveOptions<'_>,
        held: oneshot::Receiver<Result<(), SolveError>>,
        destination: &Destination,
    ) -> Result<Exported, SmokeStop> {
        let SmokeRun { request, opened, events, cancel, .. } = *cell;
        let session = opened.session();
        let is_split =
            request.recipe.platforms.len() > 1 && trial.into_store == IntoStore::DockerArchive;
        let first = match is_split {
            false => self.store(cell, request, trial, events).await?,
            true => {
                let whole = trial.clone().only_digest();
                self.solved(cell, request, &whole, events).await?.built
            }
        };
        let waiting = WaitingFor::engine(&request.cell, "holding the image for its smoke test");
        let held = report_wait(Some(events), waiting, held);
        match cancel.run_until_cancelled(held).await.ok_or(SmokeStop::Cancelled)? {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let failure = failure(&error, &Seen::default(), request, "", false);
                return Err(Box::new(failure).into());
            }
            Err(_) => {
                let message = "BuildKit cannot hold the image for its smoke test";
                return Err(failed(Kind::Unknown, message).into());
            }
        }

        let took = match self.passed(&request.cell, first.digest.as_ref()) {
            Some(took) => took,
            None => self.test(cell, trial, is_split).await?,
        };
        if let Some(digest) = &first.digest {
            let passed = (digest.clone(), took);
            self.passed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(request.cell.clone(), passed);
        }

        // No step may run a second time, not even with --no-cache.
        let (ignored, _) = mpsc::channel(1);
        let again = match trial.into_store {
            IntoStore::Itself => trial.clone().cached(),
            // The archive is not needed a second time.
            IntoStore::OciArchive | IntoStore::DockerArchive => {
                trial.clone().cached().only_digest()
            }
        };
        let again = self.solved(cell, request, &again, &ignored).await?.built;
        same(first.digest.as_ref(), again.digest.as_ref(), "rebuilt image")?;

        let last = self.builder.options(request).cached();
        let (sender, relayed) = mpsc::channel(64);
        opened.expect(destination);
        let last = async {
            let built = Box::pin(self.builder.build_in(session, request, &last, &sender)).await;
            drop(sender);
            built
        };
        let last = async { tokio::join!(last, relay::outputs(relayed, events)).0 };
        let last = cancel.run_until_cancelled(last).await.ok_or(SmokeStop::Cancelled)??;
        if is_comparable(request) {
            same(first.digest.as_ref(), last.built.digest.as_ref(), "output image")?;
        }
        let Built { cached_steps, total_steps, .. } = first;
        let smoke = SmokeResult::Passed { took };
        Ok(Exported { built: Built { cached_steps, total_steps, smoke, ..last.built }, ..last })
    }

    /// How long the test of this image took, if it passed before.
    fn passed(&self, cell: &CellName, digest: Option<&Digest>) -> Option<Duration> {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.get(cell).filter(|(tested, _)| Some(tested) == digest).map(|(_, took)| *took)
    }

    /// Tests every platform, and returns how long that took.
    async fn test(
        &self,
        cell: &SmokeRun<'_>,
        trial: &SolveOptions<'_>,
        is_split: bool,
    ) -> Result<Duration, SmokeStop> {
        let mut took = Duration::ZERO;
        for platform in &cell.request.recipe.platforms {
            took += match is_split {
                false => self.test_on(cell, platform).await?,
                true => self.test_one_of(cell, trial, platform).await?,
            };
        }
        Ok(took)
    }

    /// Solves `request` in the session of `cell`.
    async fn solved(
        &self,
        cell: &SmokeRun<'_>,
        request: &BuildRequest,
        options: &SolveOptions<'_>,
        events: &Events,
    ) -> Result<Exported, SmokeStop> {
        let session = cell.opened.session();
        let solving = Box::pin(self.builder.build_in(session, request, options, events));
        Ok(cell.cancel.run_until_cancelled(solving).await.ok_or(SmokeStop::Cancelled)??)
    }

    /// The same, with the image in the store of the engine.
    async fn store(
        &self,
        cell: &SmokeRun<'_>,
        request: &BuildRequest,
        options: &SolveOptions<'_>,
        events: &Events,
    ) -> Result<Built, SmokeStop> {
        let destination = self.builder.destination(&options.delivery.output)?;
        cell.opened.expect(&destination);
        let exported = match self.solved(cell, request, options, events).await {
            Err(SmokeStop::Cancelled) => return Err(SmokeStop::Cancelled),
            Err(SmokeStop::Failed(failure)) => Err(failure),
            Ok(exported) => Ok(exported),
        };
        let (references, to) = (&options.delivery.references, (&request.cell, events));
        let ended = destination.ended(exported, references, to, cell.cancel).await;
        Ok(ended.ok_or(SmokeStop::Cancelled)??)
    }

    /// Tests one of several platforms, for a store that keeps one platform under a name.
    async fn test_one_of(
        &self,
        cell: &SmokeRun<'_>,
        trial: &SolveOptions<'_>,
        platform: &Platform,
    ) -> Result<Duration, SmokeStop> {
        let mut request = cell.request.clone();
        request.recipe.platforms = vec![platform.clone()];
        let image = self.image();
        let options = trial.clone().into_store(&image).cached();
        let (ignored, _) = mpsc::channel(1);
        let tested = match self.store(cell, &request, &options, &ignored).await {
            Ok(_) => self.test_on(&SmokeRun { image: &image, ..*cell }, platform).await,
            Err(stop) => Err(stop),
        };
        let is_cancelled = matches!(tested, Err(SmokeStop::Cancelled));
        self.remove_image(cell.engine, &image, is_cancelled).await;
        tested
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
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let request = job.request;
        let Some(test) = request.test() else {
            let mut result = self.builder.build(job).await;
            if let (CellResult::Built(built), Some(_)) = (&mut result, &request.policy.smoke) {
                built.smoke = SmokeResult::Skipped;
            }
            return result;
        };
        match Box::pin(self.build_tested(job, test)).await {
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
