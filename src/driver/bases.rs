//! The digests of base images: each is asked for once a run, and a cell that is labelled with one is
//! built on just that image, even when the tag moves in the meantime.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::pb;
use tokio::sync::OnceCell;

use crate::buildkit::SolveError;
use crate::image::{Digest, Platform, Reference};
use crate::outcome::Failure;
use crate::plan::{BuildRequest, Pin};

use super::classify::login_host;
use super::engine::EngineBuilder;
use super::failure::unresolved;
use super::sessions::Open;

/// What is known already.
#[derive(Default)]
pub(super) struct Digests(Mutex<HashMap<Reference, Arc<OnceCell<Digest>>>>);

impl EngineBuilder {
    /// `request` on the image that its base is now, with the labels that say so.
    pub(super) async fn pinned(
        &self,
        session: &Open,
        request: &BuildRequest,
        pin: &Pin,
    ) -> Result<BuildRequest, Box<Failure>> {
        let image = &pin.base.image;
        let slot = {
            let mut known = self.digests.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(image.clone()).or_default().clone()
        };
        let found = slot.get_or_try_init(|| self.resolve(session, pin)).await;
        match found {
            Ok(digest) => Ok(request.pinned(pin, digest)),
            Err(error) => {
                let had_login = match login_host(&error.message) {
                    Some(host) => self.sessions.has_login(&host).await,
                    None => false,
                };
                Err(Box::new(unresolved(&error, request, pin, had_login)))
            }
        }
    }

    async fn resolve(&self, session: &Open, pin: &Pin) -> Result<Digest, SolveError> {
        let image = pin.base.image.to_string();
        let platform = pin.platform.as_ref().map(in_protocol);
        let answer = self.client.digest(&session.id, &image, platform).await;
        let answer = answer.and_then(|digest| {
            digest.parse().map_err(|error| SolveError {
                message: format!("the engine gave no digest of it: {error}"),
                details: Vec::new(),
                connection_lost: false,
            })
        });
        // The frontend puts this before what a registry says; here it is not asked.
        answer.map_err(|error| SolveError {
            message: format!("failed to resolve source metadata for {image}: {}", error.message),
            ..error
        })
    }
}

fn in_protocol(platform: &Platform) -> pb::Platform {
    let text = platform.to_string();
    let mut parts = text.split('/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    pb::Platform { os: part(), architecture: part(), variant: part(), ..pb::Platform::default() }
}
