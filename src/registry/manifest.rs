//! Manifests and indexes: the fields that are needed to know which platforms an image has.
//!
//! Format: <https://github.com/opencontainers/image-spec/blob/main/image-index.md>; Docker's own
//! types have the same shape.

use serde::Deserialize;

use crate::image::{Digest, Platform};

/// The media types in the `Accept` header.
pub(super) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// A manifest as stored in the registry.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Computed from its bytes.
    pub digest: Digest,
    pub content: Content,
}

/// The two kinds of manifests.
#[derive(Debug, Clone)]
pub enum Content {
    /// One manifest for each platform.
    Index(Vec<Entry>),
    /// One image; its configuration names the platform.
    Image {
        config: Digest,
        /// Bytes of its configuration and its layers.
        size: u64,
    },
}

/// One entry of an index.
#[derive(Debug, Clone)]
pub struct Entry {
    pub digest: Digest,
    /// `None` for anything that is not an image, such as an attestation.
    pub platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Raw {
    manifests: Option<Vec<RawEntry>>,
    config: Option<RawBlob>,
    #[serde(default)]
    layers: Vec<RawBlob>,
}

#[derive(Deserialize)]
struct RawBlob {
    digest: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
struct RawEntry {
    digest: String,
    platform: Option<RawPlatform>,
}

/// A platform in an index, or in an image configuration.
#[derive(Deserialize)]
struct RawPlatform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl Manifest {
    /// Parses a manifest; the error describes what the bytes are instead.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        const NO_DIGEST: &str = "a manifest with an invalid digest";
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|_| "a response that is not a manifest")?;
        let content = match (raw.manifests, raw.config) {
            (Some(entries), None) => {
                let entries = entries.into_iter().map(|entry| {
                    Ok(Entry {
                        digest: entry.digest.parse().map_err(|_| NO_DIGEST)?,
                        platform: entry.platform.and_then(RawPlatform::read),
                    })
                });
                Content::Index(entries.collect::<Result<_, &'static str>>()?)
            }
            (None, Some(config)) => {
                let sizes = raw.layers.iter().map(|layer| layer.size);
                let size = sizes.fold(config.size, u64::saturating_add);
                Content::Image { config: config.digest.parse().map_err(|_| NO_DIGEST)?, size }
            }
            // Clients could read it either way, so one digest would identify two images.
            (Some(_), Some(_)) => return Err("a manifest that is both an index and an image"),
            (None, None) => return Err("a manifest that is neither an index nor an image"),
        };
        Ok(Self { digest: Digest::of(bytes), content })
    }
}

/// The platform in an image's configuration.
pub(super) fn platform_of(config: &[u8]) -> Option<Platform> {
    serde_json::from_slice::<RawPlatform>(config).ok()?.read()
}

impl RawPlatform {
    /// `None` for `unknown/unknown`, the platform that BuildKit gives to attestations.
    fn read(self) -> Option<Platform> {
        if self.os == "unknown" {
            return None;
        }
        let parts = [self.os, self.architecture, self.variant];
        let given: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        given.join("/").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(text: String) -> Result<Manifest, &'static str> {
        Manifest::read(text.as_bytes())
    }

    #[test]
    fn an_index_lists_platforms_and_attestations_have_none() {
        let entry = |platform: &str| {
            format!(r#"{{"digest": "{DIGEST}", "size": 7, "platform": {platform}}}"#)
        };
        let text = format!(
            r#"{{"manifests": [{}, {}, {}]}}"#,
            entry(r#"{"os": "linux", "architecture": "arm64", "variant": "v8"}"#),
            entry(r#"{"os": "linux", "architecture": "arm", "variant": "v6"}"#),
            entry(r#"{"os": "unknown", "architecture": "unknown"}"#),
        );
        let manifest = read(text.clone()).unwrap();
        assert_eq!(manifest.digest, Digest::of(text.as_bytes()));
        let Content::Index(entries) = manifest.content else { panic!("no index") };
        let platforms: Vec<String> = entries
            .iter()
            .map(|e| e.platform.as_ref().map_or("none".to_owned(), ToString::to_string))
            .collect();
        assert_eq!(platforms, ["linux/arm64", "linux/arm/v6", "none"]);
    }

    #[test]
    fn anything_that_is_not_a_manifest_is_described() {
        let config = format!(r#""config": {{"digest": "{DIGEST}"}}"#);
        assert!(read(format!("{{{config}}}")).is_ok());
        for (text, expected) in [
            ("<html>".to_owned(), "not a manifest"),
            ("{}".to_owned(), "neither"),
            (format!(r#"{{{config}, "manifests": []}}"#), "both an index and an image"),
            (r#"{"config": {"digest": "sha256:0"}}"#.to_owned(), "an invalid digest"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
