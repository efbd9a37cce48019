//! The inputs of a build besides the Dockerfile and its context: arguments, labels, named contexts,
//! secrets, caches and the smoke test. A new setting is a field of [`Inputs`] or [`Caches`].
//! Pure: the values of secrets and the files are read later.

mod cache;
mod context;
mod engine_wait;
mod inputs;
mod reclaim;
mod retry;
mod root;
mod run;
mod secret;
mod secret_name;
mod smoke;
mod truth;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::image::{Digest, Reference};

pub(crate) use cache::{SharedPlace, fields};
pub use engine_wait::EngineWait;
pub(crate) use inputs::{Caches, Inputs};
pub use reclaim::Reclaim;
pub(crate) use retry::Retry;
pub use root::Root;
pub(crate) use root::parent;
pub(crate) use run::{ByteSize, HostAddresses, RunSettings, Ulimit};
pub(crate) use run::{cgroup, host, host_name, ulimit, ulimit_name};
pub(crate) use secret::{Secret, SecretSource};
pub(crate) use secret_name::names_secret;
pub(crate) use smoke::{HealthWait, SmokeCommand, SmokeTest, TimeLimit, TimeLimits, Volume};
pub(crate) use truth::truth;

/// Names and their strings, which cells share because they may be long.
pub(crate) type TextMap = IndexMap<Arc<str>, Arc<str>>;

/// The content of a named context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    Image(Reference),
    Folder(PathBuf),
    /// An image in a directory of this machine.
    Layout(LayoutImage),
    /// A Git repository or an archive, fetched by BuildKit.
    Url(String),
}

/// An image in a directory in the OCI image layout: `oci-layout://PATH[:TAG][@DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutImage {
    pub path: PathBuf,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

/// A build cache outside the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// `registry`, `inline`, `local` or `gha`.
    pub kind: String,
    /// With BuildKit's names: `ref`, `mode`, `src`, `dest`, `scope`, …
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
    /// OCI media types, regardless of the engine's default.
    #[default]
    Oci,
    /// Docker's own, for registries that accept only these.
    Docker,
}

impl MediaTypes {
    /// With their names in the matrix.
    pub const ALL: [(&'static str, Self); 2] = [("oci", Self::Oci), ("docker", Self::Docker)];
}

impl fmt::Display for NamedContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(reference) => write!(f, "docker-image://{}", reference.familiar()),
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Layout(layout) => write!(f, "{layout}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl fmt::Display for LayoutImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci-layout://{}", self.path.display())?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// As in flags.
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
