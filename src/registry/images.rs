//! The images of the single platforms of what was pushed.

use super::error::RegistryError;
use super::manifest::Content;
use super::verify::configured_platform;
use super::{Manifest, Registry};
use crate::image::{Digest, PlatformImage, Reference};

/// The image of each platform of the one with `digest` in the repository of `reference`, in the order of its index.
///
/// This reads every manifest. Docker Hub counts each of them as a pull.
pub(crate) async fn images(
    registry: &impl Registry,
    reference: &Reference,
    digest: &Digest,
) -> Result<Vec<PlatformImage>, RegistryError> {
    let whole = read(registry, reference, digest).await?;
    let entries = match whole.content {
        Content::Index(entries) => entries,
        Content::Image { config, size } => {
            let platform = configured_platform(registry, reference, &config).await?;
            return Ok(vec![PlatformImage { platform, digest: whole.digest, id: config, size }]);
        }
    };
    let mut images = Vec::new();
    for entry in entries {
        let Some(platform) = entry.platform else { continue };
        let manifest = read(registry, reference, &entry.digest).await?;
        if let Content::Image { config, size } = manifest.content {
            images.push(PlatformImage { platform, digest: entry.digest, id: config, size });
        }
    }
    Ok(images)
}

async fn read(
    registry: &impl Registry,
    reference: &Reference,
    digest: &Digest,
) -> Result<Manifest, RegistryError> {
    registry.manifest(&Reference { digest: Some(digest.clone()), ..reference.clone() }).await
}
