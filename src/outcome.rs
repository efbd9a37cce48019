//! What a cell came to.

use std::time::Duration;

use crate::cell_name::CellName;
use crate::image::{Digest, Platform, Reference};

pub use crate::failure::{Failure, Place};

/// The end of one cell.
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
    /// Never started, since another cell failed and `--fail-fast` was asked for.
    NotStarted,
    /// Stopped: by the person, or running while another cell failed under `--fail-fast`.
    Cancelled,
}

/// What a successful build left behind.
#[derive(Debug, Clone, Default)]
pub struct Built {
    /// The digest of the index, or of the one manifest; none for `local` and `tar` output.
    pub digest: Option<Digest>,
    /// Where the image was pushed.
    pub pushed: Vec<Reference>,
    /// Instructions that came from the cache, and instructions in all.
    pub cached_steps: u32,
    pub total_steps: u32,
    pub smoke: SmokeResult,
    /// Why the registry could not be asked whether it has what was pushed; none where it was.
    pub unverified: Option<String>,
}

/// Whether an image was tried before it went out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SmokeResult {
    /// It has no test.
    #[default]
    No,
    /// It has one, and the person wanted none.
    Skipped,
    /// It did what it must on every platform, in so much time.
    Passed { took: Duration },
}
