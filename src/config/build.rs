//! `build` and `matrix`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::{CellChoice, EngineFlag, ReportFile, RunChoice, Typed};
use crate::input::{EngineWait, Reclaim, TimeLimits};
use crate::plan::{BuildOptions, FileOutput};
use crate::progress::Mode;
use crate::record::{Retention, Wanted};

/// Settings of `build` and `matrix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildConfig {
    pub cells: CellChoice,
    pub options: BuildOptions,
    /// Replaces the output in `options`.
    pub output: Option<OutputFile>,
    /// Show what would be built.
    pub dry_run: bool,
    pub engine: EngineFlag,
    /// Number of cells to build at the same time.
    pub jobs: Option<NonZeroUsize>,
    /// Number of smoke tests to run at the same time.
    pub test_jobs: Option<NonZeroUsize>,
    /// Stop when a cell fails.
    pub fail_fast: bool,
    pub limits: TimeLimits,
    /// How long cells wait for an engine that was lost.
    pub engine_wait: EngineWait,
    /// How much of the build cache may be removed for cells that need space.
    pub reclaim: Option<Reclaim>,
    pub progress: Mode,
    /// Whether and where the run is recorded.
    pub record: Wanted,
    /// What is kept of older runs.
    pub retention: Retention,
    /// Wait for runs that push the same tags.
    pub wait: bool,
    /// What is written about the run.
    pub reports: Vec<ReportFile>,
    /// Build a part of a recorded run.
    pub again: Option<Again>,
    /// The command line.
    pub typed: Typed,
}

/// Which part of a recorded run is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Again {
    /// What was not built in the last run.
    Failed,
    /// What was not pushed, or has changed since.
    Resume(RunChoice),
}

/// The file that `--output` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputFile {
    pub kind: FileOutput,
    /// A directory if it ends in `/`, with one file for each cell; `-` is stdout.
    pub dest: PathBuf,
}

impl OutputFile {
    pub(crate) fn is_stdout(&self) -> bool {
        self.dest == Path::new("-")
    }
}
