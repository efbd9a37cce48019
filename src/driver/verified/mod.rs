//! A builder that reports a push as done only when the registry has the pushed image.

mod before;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::event::{Event, Retry};
use crate::failure::{Attempt, Failure, Kind, Phase, RegistryFault, Request};
use crate::image::{Digest, PlatformImage, Reference};
use crate::outcome::{Built, CellResult};
use crate::plan::{BuildRequest, Output};
use crate::registry::{Gates, Registry, Settle, VerifyError, images, verify};
use crate::schedule::{Builder, Job};

use crate::driver::retried::{pause, too_long};
use crate::driver::stalled::waiting::{WaitingFor, report_wait};

const DOCKER_HUB: &str = "docker.io";
const INTERRUPTED: &str = "the run was interrupted";

/// Asks the registry after each push whether every reference resolves to the pushed image, and
/// during the build whether they did before. After a failed push, asks what the registry has and why it refused.
pub struct Verified<B, R> {
    builder: B,
    registry: R,
    /// Checks each platform too, and fails a push that cannot be verified.
    strict: bool,
    settle: Settle,
    gates: Gates,
    /// Looks up the images of single platforms.
    with_images: bool,
}

impl<B: Builder, R: Registry> Verified<B, R> {
    /// Wraps `builder` and verifies its pushes with `registry`.
    pub fn new(builder: B, registry: R, strict: bool) -> Self {
        let (settle, gates) = Default::default();
        Self { builder, registry, strict, settle, gates, with_images: false }
    }

    /// The same, for a registry client with these gates.
    pub(crate) fn with_gates(self, gates: Gates) -> Self {
        Self { gates, ..self }
    }

    /// The same, and looks up the images of single platforms after a push.
    pub(crate) fn with_images(self, with_images: bool) -> Self {
        Self { with_images, ..self }
    }

    /// The same, with another wait until the registry shows a push.
    #[cfg(test)]
    fn settling(self, settle: Settle) -> Self {
        Self { settle, ..self }
    }

    /// The inner builder.
    pub fn inner(&self) -> &B {
        &self.builder
    }

    /// Checks every reference. One with another digest fails the cell at once; one that cannot be
    /// checked does so only if `strict`.
    async fn check(&self, built: Built, job: &Job<'_>) -> CellResult {
        if built.pushed.is_empty() {
            return CellResult::Built(built);
        }
        let Some(digest) = built.digest.clone() else {
            let message = "the engine did not report the digest of the pushed image".to_owned();
            let failure = Failure { message, phase: Phase::Verify, ..Failure::default() };
            return CellResult::Failed(Box::new(failure));
        };
        let mut unverified = built.unverified.clone();
        let mut earlier = Vec::new();
        for reference in &built.pushed {
            match self.verified(reference, &digest, job, &mut earlier).await {
                Some(Ok(())) => {}
                // The engine reached the registry and this machine cannot. The push may be fine: the
                // engine may be in another network, or trust other certificates.
                Some(Err(VerifyError::NotAsked(error))) if !self.strict => {
                    unverified.get_or_insert_with(|| error.cause());
                }
                Some(Err(wrong)) => {
                    let failure = Failure { earlier, ..failed(reference, &wrong) };
                    return CellResult::Failed(Box::new(failure));
                }
                None => {
                    unverified = Some(INTERRUPTED.to_owned());
                    break;
                }
            }
        }
        let images = match &unverified {
            None => self.images(&built, &digest, job).await,
            Some(_) => Vec::new(),
        };
        CellResult::Built(Built { unverified, earlier, images, ..built })
    }

    /// The images of single platforms. None if they are not looked up: from Docker Hub, that would be a pull for
    /// each of them.
    async fn images(&self, built: &Built, digest: &Digest, job: &Job<'_>) -> Vec<PlatformImage> {
        let is_free = |reference: &&Reference| reference.repository.host() != DOCKER_HUB;
        let Some(reference) = built.pushed.iter().find(is_free).filter(|_| self.with_images) else {
            return Vec::new();
        };
        let looking = images(&self.registry, reference, digest);
        let found = job.cancel.run_until_cancelled(looking).await;
        // The push is verified, so this is no failure.
        found.and_then(Result::ok).unwrap_or_default()
    }

    /// Asks the registry about a failed push: only the response may have been lost, or some of the
    /// references may already resolve to the new image.
    async fn after_failure(&self, mut failure: Box<Failure>, job: &Job<'_>) -> CellResult {
        let request = job.request;
        self.ask_why(&mut failure).await;
        if failure.phase != Phase::Push || !request.delivery.output.is_push() {
            return CellResult::Failed(failure);
        }
        let built = match pushed_digest(&failure, request) {
            Some(digest) => Some(Built { digest: Some(digest), ..Built::default() }),
            None => self.rebuilt(job).await,
        };
        let Some(built) = built else { return CellResult::Failed(failure) };
        let Some(digest) = &built.digest else { return CellResult::Failed(failure) };
        for reference in &request.delivery.references {
            if matches!(self.registry.head(reference).await, Ok(Some(found)) if found == *digest) {
                failure.pushed.push(reference.clone());
            }
        }
        if failure.pushed.len() < request.delivery.references.len()
            || !is_of_image(&failure, request)
        {
            return CellResult::Failed(failure);
        }
        let built = Built { pushed: request.delivery.references.clone(), ..built };
        self.check(built, job).await
    }

    /// Verifies one reference. A registry that is overloaded is asked again later, without a slot, unless a
    /// failure means that the cell is built again. Attempts that failed are added to `earlier`. Returns `None` if
    /// the job was cancelled.
    async fn verified(
        &self,
        reference: &Reference,
        digest: &Digest,
        job: &Job<'_>,
        earlier: &mut Vec<Attempt>,
    ) -> Option<Result<(), VerifyError>> {
        let Job { request, events, cancel, .. } = *job;
        let (platforms, strict) = (&request.recipe.platforms, self.strict);
        for number in 1.. {
            let started = Instant::now();
            let check = verify(&self.registry, reference, digest, platforms, strict, &self.settle);
            let waiting = WaitingFor::verification(&request.cell, reference);
            let check = report_wait(Some(events), waiting, check);
            let checked = cancel.run_until_cancelled(check).await?;
            let (of, host) = (request.policy.retry.retries(), reference.repository.host());
            let is_last = strict || number > of || too_long(&self.gates, host).is_some();
            let wrong = match &checked {
                Err(wrong) if !is_last && is_overloaded(wrong) => wrong,
                _ => return Some(checked),
            };
            let (cell, failure) = (request.cell.clone(), Box::new(failed(reference, wrong)));
            let took = started.elapsed();
            earlier.push(Attempt { failure: failure.clone(), took });
            let retrying = |wait| Event::Retrying {
                cell,
                retry: Retry { number, of, failure, took, wait: Some(wait) },
            };
            pause(job, &self.gates, Some(host), number, retrying).await?;
        }
        unreachable!("the number of attempts is limited")
    }

    /// Asks the registry why BuildKit failed, if its text does not say that, or whether another attempt may
    /// help: only our own request shows a `Retry-After`, and that a login is valid again.
    async fn ask_why(&self, failure: &mut Failure) {
        let Kind::Registry { image, fault } = &failure.kind else { return };
        let (is_unexplained, is_refused) = (
            *fault == RegistryFault::Unexplained,
            *fault == RegistryFault::Unauthorized { with_login: true },
        );
        let is_asked = match fault {
            RegistryFault::RateLimited { .. } => true,
            RegistryFault::Status { status, .. } => matches!(status, None | Some(503)),
            _ => is_unexplained || is_refused && failure.phase == Phase::Push,
        };
        if !is_asked {
            return;
        }
        let image = image.clone();
        match self.fault_of(&image, failure.phase).await {
            Some(fault) if is_unexplained || fault.is_temporary() => {
                explain(failure, image, fault);
            }
            None if is_refused => explain(failure, image, RegistryFault::TokenExpired),
            _ => {}
        }
    }

    /// The registry's error when this machine repeats the request that failed in BuildKit.
    async fn fault_of(&self, image: &Reference, phase: Phase) -> Option<RegistryFault> {
        let asked = match phase {
            Phase::Push => self.registry.may_push(image).await,
            _ => self.registry.head(image).await.map(drop),
        };
        asked.err().map(|error| error.fault().clone())
    }

    /// The digest of the image to push, from a second build with the cache and without an output. It
    /// differs if BuildKit creates a different image each time: with provenance or an inline cache.
    async fn rebuilt(&self, job: &Job<'_>) -> Option<Built> {
        let mut again = job.request.clone();
        again.delivery.output = Output::Digest;
        again.policy.no_cache = false;
        again.policy.smoke = None;
        again.policy.caches.to.retain(|cache| cache.kind == "inline");
        // Its steps were already reported.
        let (ignored, _) = mpsc::channel(1);
        match Box::pin(self.builder.build(&Job { request: &again, events: &ignored, ..*job })).await
        {
            CellResult::Built(built) => Some(built),
            _ => None,
        }
    }
}

/// Whether the registry answered, and may answer otherwise later.
fn is_overloaded(wrong: &VerifyError) -> bool {
    let VerifyError::NotAsked(error) = wrong else { return false };
    let answered =
        matches!(error.fault(), RegistryFault::RateLimited { .. } | RegistryFault::Status { .. });
    answered && error.fault().is_temporary()
}

fn explain(failure: &mut Failure, image: Reference, fault: RegistryFault) {
    let host = image.repository.host().to_owned();
    let request = Request { host: &host, phase: failure.phase, image: &image, by_engine: true };
    let said = std::mem::replace(&mut failure.message, fault.sentence(&request));
    failure.verbatim.get_or_insert(said);
    failure.help = fault.help(&request);
    failure.kind = Kind::Registry { image, fault };
}

/// The digest of the image to push, if BuildKit's message contains it: `failed commit on ref
/// "index-sha256:…"`. A manifest is the whole image only if there is no index.
fn pushed_digest(failure: &Failure, request: &BuildRequest) -> Option<Digest> {
    let said = failure.verbatim.as_ref().unwrap_or(&failure.message);
    let has_index = request.recipe.platforms.len() > 1 || request.recipe.provenance;
    let (_, rest) = said.split_once("failed commit on ref \"")?;
    let digest = rest.strip_prefix(if has_index { "index-" } else { "manifest-" })?;
    digest.split_once('"')?.0.parse().ok()
}

/// Whether the push of the image failed, not that of its cache.
fn is_of_image(failure: &Failure, request: &BuildRequest) -> bool {
    matches!(&failure.kind, Kind::Registry { image, .. } if request.has_name_in(&image.repository))
}

fn failed(reference: &Reference, wrong: &VerifyError) -> Failure {
    let (fault, help) = match wrong {
        VerifyError::NotAsked(error) => (error.fault().clone(), error.help()),
        VerifyError::Missing { error, .. } => (error.fault().clone(), Some(PUSH_AGAIN.to_owned())),
        VerifyError::OtherDigest { found, .. } => {
            (other_digest(found), Some(SOMEONE_ELSE.to_owned()))
        }
        VerifyError::MissingPlatforms { .. } => {
            (RegistryFault::NoPlatform, Some(PUSH_AGAIN.to_owned()))
        }
    };
    Failure {
        kind: Kind::Registry { image: reference.clone(), fault },
        phase: Phase::Verify,
        message: wrong.to_string(),
        help,
        ..Failure::default()
    }
}

fn other_digest(found: &Digest) -> RegistryFault {
    RegistryFault::OtherDigest { found: Some(found.clone()) }
}

const PUSH_AGAIN: &str = "push again; if this repeats, the registry loses images that it accepts";
const SOMEONE_ELSE: &str =
    "someone else pushed to this tag at the same time, or the registry lost the push: push again";

impl<B: Builder, R: Registry> Builder for Verified<B, R> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let request = job.request;
        // On the heap: the inner future is large, and is moved through all wrappers.
        let build = Box::pin(self.builder.build(job));
        let (result, before) = if request.delivery.output.is_push() {
            let question = before::digests(&self.registry, &request.delivery.references);
            before::beside(build, question).await
        } else {
            (build.await, None)
        };
        match result {
            CellResult::Built(built) => before::marked(self.check(built, job).await, before),
            CellResult::Failed(failure) => {
                let asking = Box::pin(self.after_failure(failure.clone(), job));
                let answer = job.cancel.run_until_cancelled(asking).await;
                answer.unwrap_or(CellResult::Failed(failure))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
