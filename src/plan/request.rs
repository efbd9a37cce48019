//! One cell, ready to build: the final result of the pure code.

use std::path::PathBuf;
use std::sync::Arc;

use super::bases::Base;
use super::output::Output;
use super::privileges::Privileges;
use crate::cell_name::CellName;
use crate::error::SourceFile;
use crate::image::{Platform, Reference, Repository};
use crate::input::{Caches, Inputs, MediaTypes, Retry, SmokeTest};
use crate::template::Rendered;

/// One cell, ready to build. [`plan`](super::plan) makes it, and nothing changes it later.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    pub cell: CellName,
    pub recipe: Recipe,
    pub delivery: Delivery,
    pub policy: Policy,
}

/// Everything that determines the content of the image.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub dockerfile: Arc<Rendered>,
    /// The ignore file that replaces the context's own: the one that the matrix names,
    /// or `NAME.dockerignore` next to the template.
    pub dockerignore: Option<SourceFile>,
    /// The directory that is sent as the build context.
    pub context: PathBuf,
    /// At least one.
    pub platforms: Vec<Platform>,
    /// Paths start from the current directory.
    pub inputs: Inputs,
    /// The entitlements that its steps need.
    pub privileges: Privileges,
    pub media_types: MediaTypes,
    /// Attach a provenance attestation; the index digest then differs at every run.
    pub provenance: bool,
    /// A base image whose digest the build must resolve for a label.
    pub pin: Option<Pin>,
}

/// Where the image goes.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// All names of the image, each with a tag.
    pub references: Vec<Reference>,
    pub output: Output,
}

/// How the image is built: which caches it uses, what is recorded, and which test must pass. None of
/// this changes the image, except a cache of `type=inline`, which is part of it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub caches: Caches,
    /// Do not use the build cache.
    pub no_cache: bool,
    /// Always get base images from their registries, even if the local store has them.
    pub pull: bool,
    /// Record the build in the engine's build history.
    pub history: bool,
    /// The smoke test that each platform must pass before the image is pushed or stored.
    pub smoke: Option<Arc<SmokeTest>>,
    /// The content of the test's script, if it has one.
    pub script: Option<Arc<[u8]>>,
    /// Skip the smoke test.
    pub skip_smoke: bool,
    /// A file of a context that no image can contain is an error, even if nothing copies it by its name.
    pub strict: bool,
    /// Which failures are followed by another attempt.
    pub retry: Retry,
}

/// A base image to pin to its digest, and to name in labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub base: Base,
    /// The platform that the image must support; `None` for the engine's own.
    pub platform: Option<Platform>,
    /// The maps that get the digest.
    pub labels: bool,
    pub annotations: bool,
}

/// Settings of the command line for all requests of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Part of each [`Recipe`].
    pub provenance: bool,
    /// Part of each [`Delivery`].
    pub output: Output,
    /// Whether the file that `output` names is a directory, with one file or directory for each cell.
    pub output_is_directory: bool,
    // The others are part of each [`Policy`].
    pub no_cache: bool,
    pub pull: bool,
    pub history: bool,
    pub skip_smoke: bool,
    pub strict: bool,
    /// The further attempts after a temporary failure; overrides those of the matrix.
    pub retries: Option<u32>,
}

impl BuildOptions {
    /// Whether each of this many cells has a file or directory of its own. The tree of a single cell
    /// fills the directory itself.
    pub fn is_one_for_each(&self, cells: usize) -> bool {
        self.output_is_directory && (cells > 1 || !self.output.is_tree())
    }
}

impl BuildRequest {
    /// Whether one of its names is in `repository`. The names of caches are not.
    pub(crate) fn has_name_in(&self, repository: &Repository) -> bool {
        self.delivery.references.iter().any(|reference| reference.repository == *repository)
    }

    /// The smoke test to run, if any.
    pub(crate) fn test(&self) -> Option<&SmokeTest> {
        self.policy.smoke.as_deref().filter(|_| !self.policy.skip_smoke)
    }

    /// Whether the image goes into the store of a Docker Engine: to stay there, or for its smoke test.
    pub(crate) fn needs_store(&self) -> bool {
        matches!(self.delivery.output, Output::Store | Output::StoreAndPush)
            || self.test().is_some()
    }
}

#[cfg(test)]
impl BuildRequest {
    /// A minimal request.
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
