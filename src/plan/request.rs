//! One cell, ready to build: the last value of the pure core.

use std::path::PathBuf;
use std::sync::Arc;

use super::bases::Base;
use super::privileges::Privileges;
use crate::cell_name::CellName;
use crate::image::{Platform, Reference};
use crate::input::{Caches, Inputs, MediaTypes, Network, Test};
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
    /// Paths start from the current directory.
    pub inputs: Inputs,
    pub caches: Caches,
    /// What its steps ask for, and what BuildKit is then asked for in their name.
    pub privileges: Privileges,
    pub media_types: MediaTypes,
    /// A base image whose digest only the build can find out, since it is to become a label.
    pub pin: Option<Pin>,
    /// What each platform must do before the image goes anywhere.
    pub test: Option<Arc<Test>>,
    /// The content of the test's script, where it is one.
    pub script: Option<Arc<[u8]>>,
    pub options: Arc<BuildOptions>,
}

/// The base image that a cell is to be built on by its digest, and labelled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub base: Base,
    /// Of which there has to be an image; the engine's own where it is none.
    pub platform: Option<Platform>,
    /// Which of the maps get the digest.
    pub labels: bool,
    pub annotations: bool,
}

/// What holds for every cell of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    pub output: Output,
    pub no_cache: bool,
    /// Take base images from their registries alone, even when the local store could help out.
    pub pull: bool,
    pub network: Network,
    /// Attach a provenance attestation; the index digest then differs at every run.
    pub provenance: bool,
    /// Keep a record of the build in the engine's history.
    pub history: bool,
    /// Let images go out untried, whatever tests they have.
    pub skip_test: bool,
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
    /// Nowhere: only the digest is wanted.
    Nothing,
}

impl Output {
    /// Whether the image goes to the registries that the references name.
    pub fn is_push(&self) -> bool {
        matches!(self, Self::Push | Self::StoreAndPush)
    }
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

#[cfg(test)]
impl BuildRequest {
    /// A cell with nothing of its own.
    pub(crate) fn sample(cell: &str) -> Self {
        Self {
            cell: cell.into(),
            dockerfile: Arc::default(),
            dockerignore: None,
            context: ".".into(),
            platforms: vec!["linux/amd64".parse().expect("it is a platform")],
            references: vec!["me/app:1".parse().expect("it is a reference")],
            inputs: Inputs::default(),
            caches: Caches::default(),
            privileges: Privileges::default(),
            media_types: MediaTypes::default(),
            pin: None,
            test: None,
            script: None,
            options: Arc::default(),
        }
    }
}
