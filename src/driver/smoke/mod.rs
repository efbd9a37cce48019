//! A builder that lets an image go out only when it did what it must on every platform.
//!
//! A cell with a test is built into the engine's store first, under a name that only this run has.
//! Each of its platforms is tried in a container, when one of the [`slots`] is free; then the image is built again into where it
//! belongs, which takes every step from what was tried: the results are held in BuildKit meanwhile
//! ([`EngineBuilder::hold`]), so that nobody else's work and no lost cache can come in between.
//! Before anything goes out its digest is compared, and after it where the output has the same form.

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
use crate::docker::{ContainerError, Engine, EngineFacts};
use crate::driver::build::builder::{EngineBuilder, engine_silent, failed};
use crate::driver::stalled::waiting::{Whom, patiently};
use crate::failure::Kind;
use crate::image::{Digest, Platform, Reference};
use crate::input::SmokeTest;
use crate::outcome::{Built, CellResult, Failure, SmokeResult};
use crate::plan::{BuildRequest, Delivery, FileOutput, Output};
use crate::schedule::{Builder, Events};
use run::{SmokeRun, SmokeStop};
use slots::SmokeSlots;
use trial::{Trial, TrialSubject};

/// How long the engine may still be finishing what was cancelled.
const LATE: Duration = Duration::from_millis(250);

/// Tries what it builds.
pub struct SmokeTested {
    builder: EngineBuilder,
    engine: Engine,
    /// What the engine's machine runs without emulation.
    native: Platform,
    slots: SmokeSlots,
    /// Tells this run's containers and images from all others.
    names: Names,
    count: AtomicU32,
    left: Mutex<Left>,
}

/// What may still be on the engine.
#[derive(Debug, Default)]
struct Left {
    containers: BTreeSet<String>,
    images: BTreeSet<String>,
}

impl SmokeTested {
    /// Wraps `builder`, which builds on `engine`. `at_once` is how many tests run at a time; where it
    /// is not given, one for each core of the engine's machine.
    pub fn new(
        builder: EngineBuilder,
        engine: Engine,
        facts: &EngineFacts,
        at_once: Option<NonZeroUsize>,
    ) -> Self {
        let (count, left) = Default::default();
        let slots = SmokeSlots::new(at_once.unwrap_or(facts.cores));
        let native = facts.native.clone();
        Self { builder, engine, native, slots, names: Names::new(), count, left }
    }

    /// Does `work`, and meanwhile removes what earlier runs that were killed left on the engine.
    pub async fn beside<T>(
        &self,
        work: impl Future<Output = T>,
        cancel: &CancellationToken,
    ) -> (T, Swept) {
        beside(work, &self.engine, &self.names, cancel).await
    }

    /// Removes what cells that ended early may have left, and closes the builder inside. Gives a
    /// sentence for each thing that is still there.
    pub async fn close(&self) -> Vec<String> {
        let mut still = Vec::new();
        // What an engine does not answer once is not asked of it for each thing that is left.
        let mut silent = None;
        // The engine may still have been at work on what was cancelled: asked twice.
        for pause in [Duration::ZERO, LATE] {
            let left = std::mem::take(&mut *self.left());
            if left.containers.is_empty() && left.images.is_empty() {
                break;
            }
            tokio::time::sleep(pause).await;
            still.clear();
            for container in &left.containers {
                if let Err(error) =
                    unless(&mut silent, self.engine.remove_container(container)).await
                {
                    still.push(format!(
                        "the container {container} of a test is still there: {error} (docker rm \
                         --force --volumes {container})"
                    ));
                }
            }
            for image in left.images.iter().filter_map(|image| image.parse().ok()) {
                if let Err(error) = unless(&mut silent, self.engine.remove_image(&image)).await {
                    still.push(format!(
                        "the image {image} of a test is still there: {error} (docker rmi {image})"
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
        let image = self.names.image(self.number());
        let name = image.to_string();
        let opening = cancel.run_until_cancelled(self.builder.open_for(request)).await;
        let opened = &opening.ok_or(SmokeStop::Cancelled)??;
        self.left().images.insert(name.clone());
        let cell = SmokeRun { request, test, opened, image: &image, events, cancel };
        let (telling, held) = oneshot::channel();
        let trial = trial_of(request, &image);
        let built = tokio::select! {
            built = self.try_and_build(&cell, &trial, held) => built,
            never = Box::pin(self.builder.hold(opened.session(), &trial, telling)) => match never {},
        };
        EngineBuilder::withdraw(opened.session(), request);
        let removed = self.engine.remove_image(&image).await;
        // One that was cancelled may be named by the engine after this: `close` looks again.
        if removed.is_ok() && !matches!(built, Err(SmokeStop::Cancelled)) {
            self.left().images.remove(&name);
        }
        match built {
            Err(SmokeStop::Cancelled) => Err(SmokeStop::Cancelled),
            Err(SmokeStop::Failed(failure)) => Ok(opened.ended(Err(failure)).await?),
            Ok(built) => Ok(opened.ended(Ok(built)).await?),
        }
    }

    async fn try_and_build(
        &self,
        cell: &SmokeRun<'_>,
        trial: &BuildRequest,
        held: oneshot::Receiver<Result<(), SolveError>>,
    ) -> Result<Built, SmokeStop> {
        let SmokeRun { request, opened, events, cancel, .. } = *cell;
        let session = opened.session();
        let first = Box::pin(self.builder.build_in(session, trial, events));
        let first = cancel.run_until_cancelled(first).await.ok_or(SmokeStop::Cancelled)??;
        let whom = Whom::engine(&request.cell, "keeping the image for its test");
        let held = patiently(Some(events), whom, held);
        match cancel.run_until_cancelled(held).await.ok_or(SmokeStop::Cancelled)? {
            Ok(Ok(())) => {}
            Ok(Err(SolveError { connection: Connection::Silent, .. })) => {
                return Err(engine_silent().into());
            }
            Ok(Err(error)) => return Err(failed(Kind::Unknown, error).into()),
            Err(_) => {
                let message = "what was built cannot be kept for its test";
                return Err(failed(Kind::Unknown, message).into());
            }
        }

        let mut took = Duration::ZERO;
        for platform in &request.recipe.platforms {
            took += self.try_on(cell, platform).await?;
        }

        // A second time no step may run, not even where all were to run anew.
        let (nobody, _) = mpsc::channel(1);
        let again = cached(trial);
        let again = Box::pin(self.builder.build_in(session, &again, &nobody));
        let again = cancel.run_until_cancelled(again).await.ok_or(SmokeStop::Cancelled)??;
        same(first.digest.as_ref(), again.digest.as_ref(), "would go out")?;

        let last = cached(request);
        let (sender, relayed) = mpsc::channel(64);
        let last = async {
            let built = Box::pin(self.builder.build_in(session, &last, &sender)).await;
            drop(sender);
            built
        };
        let last = async { tokio::join!(last, relay::outputs(relayed, events)).0 };
        let last = cancel.run_until_cancelled(last).await.ok_or(SmokeStop::Cancelled)??;
        if is_comparable(request) {
            same(first.digest.as_ref(), last.digest.as_ref(), "went out")?;
        }
        let Built { cached_steps, total_steps, .. } = first;
        Ok(Built { cached_steps, total_steps, smoke: SmokeResult::Passed { took }, ..last })
    }

    /// Tries one platform when there is a slot for it, and tells how long that took without the wait;
    /// its container is gone when this returns.
    async fn try_on(
        &self,
        cell: &SmokeRun<'_>,
        platform: &Platform,
    ) -> Result<Duration, SmokeStop> {
        let number = self.number();
        let name = self.names.container(number);
        let is_emulated = !self.native.runs_natively(platform);
        let subject = TrialSubject { container: &name, number, platform, is_emulated };
        let trial = Trial::new(cell, &self.engine, &self.names, subject);
        let _slot = trial.wait_for(&self.slots).await?;
        let since = Instant::now();
        self.left().containers.insert(name.clone());
        let done = trial.run(cell.cancel).await;
        let removing = self.engine.remove_container(&name);
        let whom = Whom::engine(&cell.request.cell, "removing a container");
        let removed = patiently(Some(cell.events), whom, removing).await;
        // The engine may still be making it: `close` looks again.
        if removed.is_ok() && !matches!(done, Err(SmokeStop::Cancelled)) {
            self.left().containers.remove(&name);
        }
        done.map(|()| since.elapsed())
    }
}

/// Removes something, unless the engine did not answer before.
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

/// The same image, into the engine's store alone. A cache that is kept inside the image belongs to
/// it; any other is written when the image goes out.
fn trial_of(request: &BuildRequest, image: &Reference) -> BuildRequest {
    let mut trial = request.clone();
    trial.delivery = Delivery { references: vec![image.clone()], output: Output::Store };
    trial.policy.caches.to.retain(|cache| cache.kind == "inline");
    trial.policy.history = false;
    trial.recipe.provenance = false;
    trial
}

/// The same request, its steps taken from where they are.
fn cached(request: &BuildRequest) -> BuildRequest {
    let mut cached = request.clone();
    cached.policy.no_cache = false;
    cached
}

/// Whether what goes out has the digest that the image has in the engine's store. Provenance is new
/// each time, and an OCI archive has manifests of another kind.
fn is_comparable(request: &BuildRequest) -> bool {
    let image = match &request.delivery.output {
        Output::Store | Output::Nothing | Output::Push | Output::StoreAndPush => true,
        Output::File { kind, .. } => *kind == FileOutput::Docker,
    };
    image && !request.recipe.provenance
}

/// Fails when `other`, which `goes_out` as the words say, is not what was tested.
fn same(
    tested: Option<&Digest>,
    other: Option<&Digest>,
    goes_out: &str,
) -> Result<(), Box<Failure>> {
    if tested == other {
        return Ok(());
    }
    let shown = |digest: Option<&Digest>| digest.map_or("nothing", Digest::short).to_owned();
    Err(Box::new(Failure {
        message: format!(
            "what {goes_out} is not what was tested: {} instead of {}",
            shown(other),
            shown(tested)
        ),
        help: Some(
            "a base image or an address moved while the test ran: build the cell again".to_owned(),
        ),
        ..Failure::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::super::samples::request;
    use super::*;
    use crate::input::Cache;
    use crate::plan::Policy;

    #[test]
    fn a_trial_is_the_same_image_and_leaves_the_engine_in_no_way() {
        let mut wanted = request();
        wanted.policy.caches.to = Cache::parse("r.example/c:1").unwrap();
        wanted.policy.caches.to.extend(Cache::parse("type=inline").unwrap());
        wanted.recipe.provenance = true;
        wanted.delivery.output = Output::StoreAndPush;
        (wanted.policy.no_cache, wanted.policy.pull, wanted.policy.history) = (true, true, true);
        let image: Reference = "onebuild.invalid/test:x-1".parse().unwrap();
        let trial = trial_of(&wanted, &image);
        assert_eq!((&*trial.delivery.references, trial.recipe.provenance), (&[image][..], false));
        assert_eq!(trial.delivery.output, Output::Store);
        assert_eq!(trial.policy.caches.to, Cache::parse("type=inline").unwrap());
        let set = |Policy { no_cache, pull, history, .. }: &Policy| (*no_cache, *pull, *history);
        assert_eq!(set(&trial.policy), (true, true, false));
        assert_eq!(set(&cached(&trial).policy), (false, true, false));
    }

    #[test]
    fn another_digest_is_never_taken_for_the_tested_one() {
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));
        assert!(same(Some(&one), Some(&one), "went out").is_ok());
        for (tested, found) in [(Some(&one), Some(&other)), (Some(&one), None), (None, Some(&one))]
        {
            let message = same(tested, found, "went out").unwrap_err().message;
            assert!(message.contains("not what was tested"), "{message}");
        }
    }
}
