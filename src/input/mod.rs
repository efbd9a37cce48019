//! What goes into a build beside the Dockerfile and its context: arguments, labels, further contexts,
//! secrets, caches; and how the image is tested. [`Inputs`] and [`Caches`] hold the settings together, so
//! that a new one is written down once.
//! Pure: here they are named; who builds looks them up.

mod cache;
mod context;
mod inputs;
mod root;
mod secret;
mod test;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::image::Reference;

pub use cache::{SharedPlace, fields};
pub use inputs::{Caches, Inputs};
pub use root::{Root, parent};
pub use secret::{Secret, SecretSource};
pub use test::{Test, TestCommand, TimeLimit, Volume, Wait};

/// Names with their texts. Many cells share them, and a text may be long.
pub type TextMap = IndexMap<Arc<str>, Arc<str>>;

/// What a named context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    Image(Reference),
    Folder(PathBuf),
    /// A Git repository or an archive, fetched by BuildKit.
    Url(String),
}

/// A place that build steps are cached in, beyond the engine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// `registry`, `inline`, `local` or `gha`.
    pub kind: String,
    /// As BuildKit names them: `ref`, `mode`, `src`, `dest`, `scope`, …
    pub attributes: IndexMap<String, String>,
}

/// The network that `RUN` steps see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Network {
    #[default]
    Default,
    None,
    Host,
}

/// The media types of an image's manifests, index and layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MediaTypes {
    /// Those of the OCI, whatever the engine's default is.
    #[default]
    Oci,
    /// Docker's own, for registries that accept no others.
    Docker,
}

impl MediaTypes {
    /// As the matrix writes them.
    pub const ALL: [(&'static str, Self); 2] = [("oci", Self::Oci), ("docker", Self::Docker)];
}

impl fmt::Display for NamedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(reference) => write!(f, "docker-image://{}", reference.familiar()),
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// As flags have it.
impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type={}", self.kind)?;
        self.attributes.iter().try_for_each(|(key, value)| write!(f, ",{key}={value}"))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::None => "none",
            Self::Host => "host",
        })
    }
}
