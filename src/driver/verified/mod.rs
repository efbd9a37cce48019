//! A builder that reports a push as done only when the registry has the pushed image.

mod before;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Kind, Phase, RegistryFault, Request};
use crate::image::{Digest, Reference};
use crate::outcome::{Built, CellResult};
use crate::plan::{BuildRequest, Output};
use crate::registry::{Registry, Settle, VerifyError, verify};
use crate::schedule::{Builder, Events};

use crate::driver::stalled::waiting::{WaitingFor, report_wait};

const INTERRUPTED: &str = "the run was interrupted";

/// Asks the registry after each push whether every reference resolves to the pushed image, and
/// during the build whether they did before. After a failed push, asks what the registry has and why it refused.
pub struct Verified<B, R> {
    builder: B,
    registry: R,
    /// Checks each platform too, and fails a push that cannot be verified.
    strict: bool,
    settle: Settle,
}

impl<B: Builder, R: Registry> Verified<B, R> {
    /// Wraps `builder` and verifies its pushes with `registry`.
    pub fn new(builder: B, registry: R, strict: bool) -> Self {
        Self { builder, registry, strict, settle: Settle::default() }
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
    async fn check(
        &self,
        built: Built,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        if built.pushed.is_empty() {
            return CellResult::Built(built);
        }
        let Some(digest) = built.digest.clone() else {
            let message = "the engine did not report the digest of the pushed image".to_owned();
            let failure = Failure { message, phase: Phase::Verify, ..Failure::default() };
            return CellResult::Failed(Box::new(failure));
        };
        let mut unverified = built.unverified.clone();
        for reference in &built.pushed {
            let (platforms, strict) = (&request.recipe.platforms, self.strict);
            let check = verify(&self.registry, reference, &digest, platforms, strict, &self.settle);
            let check = report_wait(
                Some(events),
                WaitingFor::verification(&request.cell, reference),
                check,
            );
            match cancel.run_until_cancelled(check).await {
                Some(Ok(())) => {}
                // The engine reached the registry and this machine cannot. The push may be fine: the
                // engine may be in another network, or trust other certificates.
                Some(Err(VerifyError::NotAsked(error))) if !self.strict => {
                    unverified.get_or_insert_with(|| error.cause());
                }
                Some(Err(wrong)) => {
                    return CellResult::Failed(Box::new(failed(reference, &wrong)));
                }
                None => {
                    unverified = Some(INTERRUPTED.to_owned());
                    break;
                }
            }
        }
        CellResult::Built(Built { unverified, ..built })
    }

    /// Asks the registry about a failed push: only the response may have been lost, or some of the
    /// references may already resolve to the new image.
    async fn after_failure(
        &self,
        mut failure: Box<Failure>,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        if let Kind::Registry { image, fault: RegistryFault::Unexplained } = &failure.kind {
            let image = image.clone();
            if let Some(fault) = self.fault_of(&image, failure.phase).await {
                explain(&mut failure, image, fault);
            }
        }
        if failure.phase != Phase::Push || !request.delivery.output.is_push() {
            return CellResult::Failed(failure);
        }
        let built = match pushed_digest(&failure, request) {
            Some(digest) => Some(Built { digest: Some(digest), ..Built::default() }),
            None => self.rebuilt(request, cancel).await,
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
        self.check(built, request, events, cancel).await
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
    async fn rebuilt(&self, request: &BuildRequest, cancel: &CancellationToken) -> Option<Built> {
        let mut again = request.clone();
        again.delivery.output = Output::Digest;
        again.policy.no_cache = false;
        again.policy.smoke = None;
        again.policy.caches.to.retain(|cache| cache.kind == "inline");
        // Its steps were already reported.
        let (ignored, _) = mpsc::channel(1);
        match Box::pin(self.builder.build(&again, &ignored, cancel)).await {
            CellResult::Built(built) => Some(built),
            _ => None,
        }
    }
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
    let Kind::Registry { image, .. } = &failure.kind else { return false };
    request.delivery.references.iter().any(|reference| reference.repository == image.repository)
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
    async fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        // On the heap: the inner future is large, and is moved through all wrappers.
        let build = Box::pin(self.builder.build(request, events, cancel));
        let (result, before) = if request.delivery.output.is_push() {
            let question = before::digests(&self.registry, &request.delivery.references);
            before::beside(build, question).await
        } else {
            (build.await, None)
        };
        match result {
            CellResult::Built(built) => {
                before::marked(self.check(built, request, events, cancel).await, before)
            }
            CellResult::Failed(failure) => {
                let asking = Box::pin(self.after_failure(failure.clone(), request, events, cancel));
                let answer = cancel.run_until_cancelled(asking).await;
                answer.unwrap_or(CellResult::Failed(failure))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
