//! Verifies that the registry holds what was pushed.

use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;

use super::error::RegistryError;
use super::manifest::{Content, platform_of};
use super::{Manifest, Registry};
use crate::failure::{Phase, RegistryFault};
use crate::image::{Digest, Platform, Reference};

/// Why a push is not verified.
#[derive(Debug, Clone, Error)]
pub enum VerifyError {
    /// The registry could not be reached, so the push is neither confirmed nor refuted.
    #[error(transparent)]
    NotAsked(RegistryError),
    /// The registry accepted the push but does not have the manifest.
    #[error("{} accepted the push of {reference}, but {}", .error.host(), lacking(.error))]
    Missing { reference: Reference, error: RegistryError },
    #[error("{reference}: {pushed} was pushed, but the registry has {found}")]
    OtherDigest { reference: Reference, pushed: Digest, found: Digest },
    #[error("{reference}: pushed without {}", list(.missing))]
    MissingPlatforms { reference: Reference, missing: Vec<Platform> },
}

/// How long to wait until a registry shows a push: GHCR answers 404 at first.
#[derive(Debug, Clone)]
pub struct Settle {
    /// Total number of attempts.
    pub attempts: u32,
    /// Before the second attempt; doubled before each further one.
    pub first_delay: Duration,
}

impl Default for Settle {
    /// About 8 seconds in total.
    fn default() -> Self {
        Self { attempts: 6, first_delay: Duration::from_millis(250) }
    }
}

/// Compares the digest that `reference` resolves to with `digest`, which was pushed for
/// `platforms`.
///
/// A HEAD is enough: equal digests mean equal indexes. The manifest is read if the digests differ,
/// if the registry reports no digest, and if `strict` requires proof of each platform.
pub async fn verify(
    registry: &impl Registry,
    reference: &Reference,
    digest: &Digest,
    platforms: &[Platform],
    strict: bool,
    settle: &Settle,
) -> Result<(), VerifyError> {
    let mut delay = settle.first_delay;
    for attempt in 1.. {
        let found = compare(registry, reference, digest, platforms, strict).await;
        // A replica that does not have the push yet may return an old manifest, or none.
        let settles =
            matches!(found, Err(VerifyError::Missing { .. } | VerifyError::OtherDigest { .. }));
        if !settles || attempt >= settle.attempts {
            return found;
        }
        sleep(delay).await;
        delay *= 2;
    }
    unreachable!("the number of attempts is limited")
}

async fn compare(
    registry: &impl Registry,
    reference: &Reference,
    digest: &Digest,
    platforms: &[Platform],
    strict: bool,
) -> Result<(), VerifyError> {
    let faulty = |error: RegistryError| match error.fault() {
        RegistryFault::NotFound | RegistryFault::Malformed(_) => {
            VerifyError::Missing { reference: reference.clone(), error }
        }
        _ => VerifyError::NotAsked(error),
    };
    // A registry without HEAD may still answer a GET.
    let head = registry.head(reference).await;
    let head = match head {
        Err(error) if is_without_head(error.fault()) => None,
        head => head.map_err(faulty)?,
    };
    if head.as_ref() == Some(digest) && !strict {
        return Ok(());
    }
    let manifest = registry.manifest(reference).await.map_err(faulty)?;
    if manifest.digest != *digest {
        return Err(VerifyError::OtherDigest {
            reference: reference.clone(),
            pushed: digest.clone(),
            found: manifest.digest,
        });
    }
    let present = platforms_of(registry, reference, &manifest).await.map_err(faulty)?;
    let missing: Vec<Platform> =
        platforms.iter().filter(|platform| !present.contains(platform)).cloned().collect();
    if !missing.is_empty() {
        return Err(VerifyError::MissingPlatforms { reference: reference.clone(), missing });
    }
    if strict && let Content::Index(entries) = &manifest.content {
        for entry in entries {
            let child = Reference { digest: Some(entry.digest.clone()), ..reference.clone() };
            registry.head(&child).await.map_err(faulty)?;
        }
    }
    Ok(())
}

fn is_without_head(fault: &RegistryFault) -> bool {
    matches!(fault, RegistryFault::Status { status: Some(400 | 405 | 501), .. })
}

async fn platforms_of(
    registry: &impl Registry,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<Vec<Platform>, RegistryError> {
    match &manifest.content {
        Content::Index(entries) => {
            Ok(entries.iter().filter_map(|entry| entry.platform.clone()).collect())
        }
        Content::Image { config, .. } => {
            Ok(vec![configured_platform(registry, reference, config).await?])
        }
    }
}

/// The platform in the configuration of an image.
pub(super) async fn configured_platform(
    registry: &impl Registry,
    reference: &Reference,
    config: &Digest,
) -> Result<Platform, RegistryError> {
    let blob = registry.blob(&reference.repository, config).await?;
    platform_of(&blob).ok_or_else(|| {
        let what = "an image without a platform in its configuration".to_owned();
        RegistryError::new(reference, Phase::Verify, RegistryFault::Malformed(what))
    })
}

/// What a registry that accepted a push answers when the image is read.
fn lacking(error: &RegistryError) -> String {
    match error.fault() {
        RegistryFault::NotFound => "does not have it".to_owned(),
        _ => error.cause(),
    }
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
