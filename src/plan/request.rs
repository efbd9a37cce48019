//! One cell, ready to build: the last value of the pure core.

use std::path::PathBuf;
use std::sync::Arc;

use super::bases::Base;
use super::output::Output;
use super::privileges::Privileges;
use crate::cell_name::CellName;
use crate::image::{Platform, Reference};
use crate::input::{Caches, Inputs, MediaTypes, SmokeTest};
use crate::template::Rendered;

/// One cell, ready to build. [`plan`](super::plan) makes it, and nothing changes it later.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    pub cell: CellName,
    pub recipe: Recipe,
    pub delivery: Delivery,
    pub policy: Policy,
}

/// What decides the image, whoever builds it and wherever it goes.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub dockerfile: Arc<Rendered>,
    /// What stands beside the template as `NAME.dockerignore`, in place of the context's own.
    pub dockerignore: Option<Arc<str>>,
    /// The directory that is sent as the build context.
    pub context: PathBuf,
    /// At least one.
    pub platforms: Vec<Platform>,
    /// Paths start from the current directory.
    pub inputs: Inputs,
    /// What its steps ask for, and what BuildKit is then asked for in their name.
    pub privileges: Privileges,
    pub media_types: MediaTypes,
    /// Attach a provenance attestation; the index digest then differs at every run.
    pub provenance: bool,
    /// A base image whose digest only the build can find out, since it is to become a label.
    pub pin: Option<Pin>,
}

/// Where the image goes.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Every name the image gets, each with a tag.
    pub references: Vec<Reference>,
    pub output: Output,
}

/// How the image is built: what may be reused, what is recorded, and which test comes first. The image
/// is the same, except that a cache of the kind `inline` is kept in it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub caches: Caches,
    /// Run every step again.
    pub no_cache: bool,
    /// Take base images from their registries alone, even when the local store could help out.
    pub pull: bool,
    /// Keep a record of the build in the engine's history.
    pub history: bool,
    /// What each platform must do before the image goes anywhere.
    pub smoke: Option<Arc<SmokeTest>>,
    /// The content of the test's script, where it is one.
    pub script: Option<Arc<[u8]>>,
    /// Let the image go out untested.
    pub skip_smoke: bool,
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

/// What the command line says of the requests of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Goes into each [`Recipe`].
    pub provenance: bool,
    /// Goes into each [`Delivery`].
    pub output: Output,
    /// Whether the file that `output` names is a directory, with one file or directory for each cell.
    pub output_is_directory: bool,
    // The others go into each [`Policy`].
    pub no_cache: bool,
    pub pull: bool,
    pub history: bool,
    pub skip_smoke: bool,
}

impl BuildOptions {
    /// Whether each of this many cells has a file or directory of its own. The tree of a single cell
    /// fills the directory itself.
    pub fn is_one_for_each(&self, cells: usize) -> bool {
        self.output_is_directory && (cells > 1 || !self.output.is_tree())
    }
}

#[cfg(test)]
impl BuildRequest {
    /// A cell with nothing of its own.
    pub(crate) fn sample(cell: &str) -> Self {
        Self {
            cell: cell.into(),
            recipe: Recipe::sample(),
            delivery: Delivery {
                references: vec!["me/app:1".parse().expect("it is a reference")],
                output: Output::default(),
            },
            policy: Policy::default(),
        }
    }
}

#[cfg(test)]
impl Recipe {
    /// An empty Dockerfile for one platform.
    pub(crate) fn sample() -> Self {
        Self {
            dockerfile: Arc::default(),
            dockerignore: None,
            context: ".".into(),
            platforms: vec!["linux/amd64".parse().expect("it is a platform")],
            inputs: Inputs::default(),
            privileges: Privileges::default(),
            media_types: MediaTypes::default(),
            provenance: false,
            pin: None,
        }
    }
}
