//! Asks BuildKit about base images. Each question is asked once per run, however many cells need the
//! answer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard_buildkit_proto::pb;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::buildkit::{Client, SolveError};
use crate::failure::Phase;
use crate::image::{Digest, Platform, Reference};

use crate::driver::sessions::Open;
use crate::driver::stalled::limit::GivenUp;

/// The answers so far.
#[derive(Default)]
pub(crate) struct Images {
    known: Mutex<HashMap<Question, Arc<OnceCell<Arc<Image>>>>>,
    /// Hosts that did not answer BuildKit. They are not asked again in this run.
    silent: Mutex<HashSet<String>>,
}

/// Why there is no answer about an image.
#[derive(Debug)]
pub(crate) enum ImageError {
    /// BuildKit returned an error.
    Solve(SolveError),
    /// Its registry did not answer in time.
    GivenUp(GivenUp),
}

/// A question about an image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) image: Reference,
    /// `None` is the engine's own platform.
    pub(crate) platform: Option<Platform>,
    /// Whether to ignore the engine's local copy.
    pub(crate) pull: bool,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Image {
    /// The digest of the index, if there is one.
    pub(crate) digest: Option<Digest>,
    config: Config,
}

/// Source: <https://github.com/opencontainers/image-spec/blob/main/config.md>
#[derive(Debug, Default, Deserialize)]
struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    config: Option<Container>,
}

#[derive(Debug, Default, Deserialize)]
struct Container {
    #[serde(default, rename = "Labels")]
    labels: Option<HashMap<String, String>>,
}

impl Image {
    fn new(digest: &str, config: &[u8]) -> Self {
        // An unreadable configuration counts as empty; the build then reports the error.
        let config = serde_json::from_slice(config).unwrap_or_default();
        Self { digest: digest.parse().ok(), config }
    }

    /// Its platform, if its configuration names one.
    pub(crate) fn platform(&self) -> Option<Platform> {
        let Config { os, architecture, variant, .. } = &self.config;
        let variant = variant.as_deref().filter(|variant| !variant.is_empty());
        let variant = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{os}/{architecture}{variant}").parse().ok()
    }

    /// Whether an image for `platform` can be built on it. True if its platform is unknown.
    pub(crate) fn serves(&self, platform: &Platform) -> bool {
        let Some(own) = self.platform() else { return true };
        let is_open = self.config.architecture == "arm"
            && self.config.variant.as_deref().is_none_or(str::is_empty);
        // ARM images without a variant predate variants and may be for any of them.
        own.serves(platform) || is_open && platform.to_string().starts_with("linux/arm/")
    }

    /// Whether it has a label with this name and a value.
    pub(crate) fn has_label(&self, name: &str) -> bool {
        let labels = self.config.config.as_ref().and_then(|config| config.labels.as_ref());
        labels.and_then(|labels| labels.get(name)).is_some_and(|value| !value.is_empty())
    }
}

impl Images {
    fn silent(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that this registry did not answer BuildKit.
    pub(crate) fn fell_silent(&self, host: &str) {
        self.silent().insert(host.to_owned());
    }

    /// Whether this registry did not answer BuildKit.
    pub(crate) fn is_silent(&self, host: &str) -> bool {
        self.silent().contains(host)
    }

    /// Asks BuildKit, or returns its earlier answer. A registry that does not answer within `after` is
    /// not asked again.
    pub(crate) async fn image(
        &self,
        client: &Client,
        session: &Open,
        question: &Question,
        after: Duration,
    ) -> Result<Arc<Image>, ImageError> {
        let slot = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(question.clone()).or_default().clone()
        };
        let host = question.image.repository.host();
        let silent = || {
            let image = question.image.clone();
            ImageError::GivenUp(GivenUp { image, phase: Phase::Pull, after })
        };
        let asking = || async {
            let Question { image, platform, pull } = question;
            let platform = platform.as_ref().map(in_protocol);
            if self.is_silent(host) {
                return Err(silent());
            }
            let image = image.to_string();
            let answer = client.image(&session.id, &image, platform, *pull);
            match tokio::time::timeout(after, answer).await {
                Ok(Ok((digest, config))) => Ok(Arc::new(Image::new(&digest, &config))),
                Ok(Err(error)) => Err(ImageError::Solve(error)),
                Err(_) => {
                    self.fell_silent(host);
                    Err(silent())
                }
            }
        };
        slot.get_or_try_init(asking).await.cloned()
    }
}

fn in_protocol(platform: &Platform) -> pb::Platform {
    let text = platform.to_string();
    let mut parts = text.split('/').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    pb::Platform { os: part(), architecture: part(), variant: part(), ..pb::Platform::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_an_image_names_its_platform() {
        for (config, platform, serves) in [
            (
                r#"{"os":"linux","architecture":"amd64"}"#,
                Some("linux/amd64"),
                &["linux/amd64", "linux/amd64/v2"][..],
            ),
            (
                r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#,
                Some("linux/arm64"),
                &["linux/arm64"],
            ),
            (
                r#"{"os":"linux","architecture":"arm","variant":"v6"}"#,
                Some("linux/arm/v6"),
                &["linux/arm/v6", "linux/arm/v7"],
            ),
            (
                r#"{"os":"linux","architecture":"arm","variant":"v7"}"#,
                Some("linux/arm/v7"),
                &["linux/arm/v7"],
            ),
            (
                r#"{"os":"linux","architecture":"arm"}"#,
                Some("linux/arm/v7"),
                &["linux/arm/v6", "linux/arm/v7"],
            ),
            (r#"{"os":"linux","architecture":"386","variant":""}"#, Some("linux/386"), &[]),
            (r#"{"os":"windows","architecture":"amd64"}"#, Some("windows/amd64"), &[]),
            // Without a platform, it may be for any.
            ("{}", None, ALL),
            (r#"{"os":"linux"}"#, None, ALL),
            (r#"{"os":"","architecture":""}"#, None, ALL),
            ("nonsense", None, ALL),
            ("", None, ALL),
        ] {
            let image = Image::new("", config.as_bytes());
            let found = image.platform().map(|platform| platform.to_string());
            assert_eq!(found.as_deref(), platform, "{config}");
            let fits = |name: &&&str| image.serves(&name.parse().unwrap());
            assert_eq!(ALL.iter().filter(fits).copied().collect::<Vec<_>>(), serves, "{config}");
        }
    }

    const ALL: &[&str] =
        &["linux/amd64", "linux/amd64/v2", "linux/arm64", "linux/arm/v6", "linux/arm/v7"];

    #[test]
    fn an_empty_label_counts_as_missing() {
        let config = br#"{"config":{"Labels":{"a":"b","c":""}}}"#;
        let image = Image::new("", config);
        assert!(image.has_label("a") && !image.has_label("c") && !image.has_label("d"));
        for config in [&br#"{"config":null}"#[..], br#"{"config":{"Labels":null}}"#, b"{}"] {
            assert!(!Image::new("", config).has_label("a"));
        }
    }
}
