//! A builder that believes a push only when the registry shows it.

use tokio_util::sync::CancellationToken;

use crate::outcome::{Built, CellResult, Failure};
use crate::plan::BuildRequest;
use crate::registry::{Registry, VerifyError, verify};
use crate::schedule::{Builder, Events};

use super::engine::warn;

/// Asks the registry, after each push, whether every name leads to what was pushed.
pub struct Verified<B, R> {
    builder: B,
    registry: R,
}

impl<B: Builder, R: Registry> Verified<B, R> {
    /// Wraps `builder`; what it pushes is looked for through `registry`.
    pub fn new(builder: B, registry: R) -> Self {
        Self { builder, registry }
    }

    /// The builder inside.
    pub fn inner(&self) -> &B {
        &self.builder
    }

    async fn check(&self, built: Built, request: &BuildRequest, events: &Events) -> CellResult {
        let Some(digest) = &built.digest else { return CellResult::Built(built) };
        for reference in &built.pushed {
            match verify(&self.registry, reference, digest, &request.platforms).await {
                Ok(()) => {}
                // The engine reached the registry and we cannot, which says nothing of the push:
                // the engine may be elsewhere, or trust what we do not.
                Err(VerifyError::Registry(error)) => {
                    let message = format!("the push could not be verified: {error}");
                    warn(request, vec![message], events).await;
                    break;
                }
                Err(wrong) => {
                    let help = "somebody else pushed to this tag at the same time, or the \
                                registry lost it: push again";
                    return CellResult::Failed(Box::new(Failure {
                        message: wrong.to_string(),
                        help: Some(help.to_owned()),
                        ..Failure::default()
                    }));
                }
            }
        }
        CellResult::Built(built)
    }
}

impl<B: Builder, R: Registry> Builder for Verified<B, R> {
    async fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        match self.builder.build(request, events, cancel).await {
            CellResult::Built(built) => self.check(built, request, events).await,
            other => other,
        }
    }
}
