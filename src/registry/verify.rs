//! Whether what was pushed is what lies there now.

use thiserror::Error;

use super::error::{RegistryError, RegistryFault};
use super::manifest::{Content, platform_of};
use super::{Manifest, Registry};
use crate::image::{Digest, Platform, Reference};

/// Why a push cannot be vouched for.
#[derive(Debug, Clone, Error)]
pub enum VerifyError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("{reference}: {pushed} was pushed, but the registry has {found}")]
    OtherDigest { reference: Reference, pushed: Digest, found: Digest },
    #[error("{reference}: pushed without {}", list(.missing))]
    MissingPlatforms { reference: Reference, missing: Vec<Platform> },
}

/// Asks the registry for `reference` and compares: `digest` and all of `platforms` must be there.
///
/// With a tag in `reference`, that the tag leads to the digest is checked as well.
pub async fn verify(
    registry: &impl Registry,
    reference: &Reference,
    digest: &Digest,
    platforms: &[Platform],
) -> Result<(), VerifyError> {
    let manifest = registry.manifest(reference).await?;
    if manifest.digest != *digest {
        return Err(VerifyError::OtherDigest {
            reference: reference.clone(),
            pushed: digest.clone(),
            found: manifest.digest,
        });
    }
    let there = platforms_of(registry, reference, &manifest).await?;
    let missing: Vec<Platform> =
        platforms.iter().filter(|platform| !there.contains(platform)).cloned().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(VerifyError::MissingPlatforms { reference: reference.clone(), missing })
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
        Content::Image { config } => {
            let blob = registry.blob(&reference.repository, config).await?;
            let platform = platform_of(&blob).ok_or_else(|| {
                let fault = RegistryFault::Malformed("an image without a platform");
                RegistryError::new(reference, reference.repository.host(), fault)
            })?;
            Ok(vec![platform])
        }
    }
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
