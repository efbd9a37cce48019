//! What a cell came to.

use std::time::Duration;

use crate::event::CellName;
use crate::image::{Digest, Platform, Reference};

/// The end of one cell.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub cell: CellName,
    pub platforms: Vec<Platform>,
    /// Every name that was asked for, the first being the one to show.
    pub references: Vec<Reference>,
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
    pub tested: Tested,
}

/// Whether an image was tried before it went out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tested {
    /// It has no test.
    #[default]
    No,
    /// It has one, and the person wanted none.
    Skipped,
    /// It did what it must on every platform, in so much time.
    Passed { took: Duration },
}

/// Why a cell failed, in the terms of its Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// One sentence without the command: `exit code 3`, `not found`.
    pub message: String,
    /// The image was built, and did not do what its test wants.
    pub in_test: bool,
    /// What the engine said in its own words, where `message` puts it shorter.
    pub verbatim: Option<String>,
    pub platform: Option<Platform>,
    /// The stage's name, where the Dockerfile names it.
    pub stage: Option<String>,
    /// Where in the template.
    pub place: Option<Place>,
    /// The instruction as BuildKit shows it: `RUN dnf -y install supervisor`.
    pub instruction: Option<String>,
    pub exit_code: Option<i32>,
    pub elapsed: Option<Duration>,
    /// The last lines that the failed step wrote, oldest first.
    pub log_tail: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the person would name it from the current folder.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The line itself.
    pub text: String,
}
