//! What goes into a build beside the Dockerfile and its folder: further contexts, secrets, caches.
//! Pure: here they are named; who builds looks them up.

mod cache;
mod context;

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::image::Reference;

pub use cache::fields;

/// What a named context is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    Image(Reference),
    Folder(PathBuf),
    /// A Git repository or an archive, fetched by BuildKit.
    Url(String),
}

/// Where the value of a secret is found; the value itself is never in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretSource {
    File(PathBuf),
    Variable(String),
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Default,
    None,
    Host,
}
