//! The result of a cell.

use std::time::Duration;

use crate::cell_name::CellName;
use crate::image::{Digest, Platform, PlatformImage, Reference};

pub(crate) use crate::failure::{Attempt, Failure, Place};

/// The outcome of one cell.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub cell: CellName,
    pub platforms: Vec<Platform>,
    pub result: CellResult,
    /// From leaving the queue to the end; zero for a cell that never left it.
    pub elapsed: Duration,
}

/// How a cell ended.
#[derive(Debug, Clone)]
pub enum CellResult {
    Built(Built),
    Failed(Box<Failure>),
    /// Never started, because of what happened to another cell: it failed and `--fail-fast` is set, or the
    /// engine's disk is full.
    NotStarted(&'static str),
    /// Stopped by the user, or because another cell failed with `--fail-fast`.
    Cancelled,
}

/// The result of a successful build.
#[derive(Debug, Clone, Default)]
pub struct Built {
    /// The digest of the index, or of the single manifest; `None` for `local` and `tar` output.
    pub digest: Option<Digest>,
    /// The references that were pushed.
    pub pushed: Vec<Reference>,
    /// Whether all of them resolved to this digest before the push.
    pub unchanged: bool,
    /// Number of cached instructions, and of all instructions.
    pub cached_steps: u32,
    pub total_steps: u32,
    pub smoke: SmokeResult,
    /// The image of each platform; empty if that was not looked up.
    pub(crate) images: Vec<PlatformImage>,
    /// Why the push could not be verified; `None` if it was verified.
    pub unverified: Option<String>,
    /// The failed attempts before this one, oldest first.
    pub earlier: Vec<Attempt>,
    /// What a pushed image was built from, as far as that is certain.
    pub inputs: Option<InputHashes>,
}

impl Built {
    /// Whether every instruction was cached.
    pub(crate) fn is_cached(&self) -> bool {
        self.cached_steps == self.total_steps
    }
}

/// What an image was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputHashes {
    /// Of everything that the request says.
    pub recipe: Digest,
    /// Of the files in its contexts.
    pub context: Digest,
}

/// Whether an image was tested before it was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SmokeResult {
    /// It has no test.
    #[default]
    No,
    /// It has a test, but the user skipped it.
    Skipped,
    /// It passed on every platform, in this time.
    Passed { took: Duration },
}
