//! The events of a run, for displays.
//!
//! Events go through one bounded channel to the attached display. They contain plain values: a
//! display does not depend on BuildKit. Strings are as the build wrote them, so a display must
//! clean them.

use std::sync::Arc;
use std::time::Duration;

use crate::cell_name::CellName;
use crate::image::Platform;
use crate::outcome::{Failure, Outcome};

/// One event of a run.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins; always the first event.
    RunStarted { cells: Arc<[CellSummary]>, jobs: usize },
    /// A cell left the queue.
    CellStarted { cell: CellName },
    /// A step of a cell started, or changed its state.
    Step { cell: CellName, step: Step },
    /// A step wrote a line, without its line ending.
    Log { cell: CellName, step: StepId, line: String },
    /// A step transfers data: a layer pushed or pulled, a context sent.
    Transfer { cell: CellName, step: StepId, transfer: Transfer },
    /// A step has waited for an answer for some time; repeated as long as it waits.
    Waiting { cell: CellName, step: StepId, wait: Wait },
    /// A step that was reported as waiting continues, or has ended.
    Answered { cell: CellName, step: StepId },
    /// An attempt failed, and another one follows after a wait.
    Retrying { cell: CellName, retry: Retry },
    /// The wait is over, and the next attempt begins.
    Resumed { cell: CellName },
    /// BuildKit warns about the Dockerfile.
    Warning { cell: CellName, warning: Warning },
    /// A cell ended.
    CellFinished(Outcome),
    /// The user asked to stop; running cells are being cancelled.
    Cancelling,
}

impl Event {
    /// The cell that it is about.
    pub(crate) fn cell(&self) -> Option<&CellName> {
        match self {
            Self::CellStarted { cell }
            | Self::Step { cell, .. }
            | Self::Log { cell, .. }
            | Self::Transfer { cell, .. }
            | Self::Waiting { cell, .. }
            | Self::Answered { cell, .. }
            | Self::Retrying { cell, .. }
            | Self::Resumed { cell }
            | Self::Warning { cell, .. } => Some(cell),
            Self::CellFinished(outcome) => Some(&outcome.cell),
            Self::RunStarted { .. } | Self::Cancelling => None,
        }
    }
}

/// What a display needs to know about a cell before it starts.
#[derive(Debug, Clone)]
pub struct CellSummary {
    pub cell: CellName,
    pub platforms: Vec<Platform>,
}

/// Identifies a step of a cell; has no other meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

/// A step of a build: one instruction of a Dockerfile, or work of BuildKit's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    /// The instruction or action, without BuildKit's bracketed prefix: `RUN apk add curl`.
    pub name: String,
    /// The platform it runs for, if the build has several.
    pub platform: Option<Platform>,
    /// The stage's name; `None` in a Dockerfile with one unnamed stage.
    pub stage: Option<String>,
    /// Its position in the stage: (number, total), from 1.
    pub position: Option<(u32, u32)>,
    /// Whether it exports the image or a cache.
    pub is_output: bool,
    pub state: StepState,
}

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    Running,
    Cached,
    Done { took: Duration },
    Failed { took: Duration },
    Cancelled,
}

/// The progress of a transfer. `total` is 0 if it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The name in BuildKit's words: `pushing layers`, `sha256:1f2e…`.
    pub name: String,
    /// One of many transfers, named by a digest.
    pub is_blob: bool,
    /// Bytes.
    pub current: u64,
    /// Bytes.
    pub total: u64,
    pub done: bool,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The host that does not answer: a registry, or `the engine`.
    pub host: String,
    /// The action, such as `pushing layers`; may be empty.
    pub what: String,
    pub since: Duration,
}

/// The next attempt after a failure.
#[derive(Debug, Clone)]
pub struct Retry {
    /// From 1.
    pub number: u32,
    /// The largest `number` of the cell.
    pub of: u32,
    /// Why the attempt before it failed.
    pub failure: Box<Failure>,
    /// How long that attempt took.
    pub took: Duration,
    /// Until it begins, if a slot of `--jobs` is free then; `None` is until the engine answers.
    pub wait: Option<Duration>,
}

/// A warning from BuildKit about a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The template, or a file that it includes, relative to the current directory.
    pub file: Option<String>,
    /// Line of `file`, from 1.
    pub line: Option<u32>,
    pub message: String,
    pub url: Option<String>,
}

impl Warning {
    /// The position: `ubuntu/Dockerfile:3`.
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        })
    }
}
