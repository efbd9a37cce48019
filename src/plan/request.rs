//! One cell, ready to build: the last value of the pure core.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::event::CellName;
use crate::image::{Platform, Reference};
use crate::template::Rendered;

/// Everything a builder must know of one cell.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    pub cell: CellName,
    pub dockerfile: Arc<Rendered>,
    /// What stands beside the template as `NAME.dockerignore`, in place of the context's own.
    pub dockerignore: Option<Arc<str>>,
    /// The folder that is sent as the build context.
    pub context: PathBuf,
    /// At least one.
    pub platforms: Vec<Platform>,
    /// Every name the image gets, each with a tag.
    pub references: Vec<Reference>,
    pub args: IndexMap<String, String>,
    pub labels: IndexMap<String, String>,
    pub target: Option<String>,
    /// What stands in for an image that the Dockerfile names, the key being the name in `FROM`.
    pub bases: IndexMap<String, Reference>,
    pub options: Arc<BuildOptions>,
}

/// What holds for every cell of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    pub output: Output,
    pub no_cache: bool,
    /// Ask the registry for base images even when they are in the local store.
    pub pull: bool,
    pub network: Network,
    /// Attach a provenance attestation; the index digest then differs at every run.
    pub provenance: bool,
    /// Keep a record of the build in the engine's history.
    pub history: bool,
}

/// Where the result goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Output {
    /// The engine's own image store.
    #[default]
    Store,
    /// The registries that the references name.
    Push,
    /// Both.
    StoreAndPush,
    /// A file or folder on this machine; `-` is stdout, for an archive.
    File { kind: FileOutput, dest: PathBuf },
}

/// The forms a file output takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOutput {
    /// An OCI image layout in a tar file.
    Oci,
    /// What `docker load` reads; one platform only.
    Docker,
    /// The root file system as a tar file.
    Tar,
    /// The root file system as a folder.
    Local,
}

/// The network that `RUN` steps see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Default,
    None,
    Host,
}
