//! What work may tell a display.
//!
//! Events leave sideways, through one bounded channel, to whatever display is attached. They carry
//! plain values: a display needs no knowledge of BuildKit, and text in them is as the build wrote
//! it, so whoever shows it cleans it first.

use std::time::Duration;

use crate::cell_name::CellName;
use crate::image::Platform;
use crate::outcome::Outcome;

/// One thing that happened in a run.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins; always the first event.
    RunStarted { cells: Vec<CellSummary>, jobs: usize },
    /// A cell left the queue.
    CellStarted { cell: CellName },
    /// A step of a cell began, or changed its state.
    Step { cell: CellName, step: Step },
    /// A step wrote a line, without its line end.
    Log { cell: CellName, step: StepId, line: String },
    /// A step moves data: a layer pushed or pulled, a context sent.
    Transfer { cell: CellName, step: StepId, transfer: Transfer },
    /// A step has waited for an answer for some time; it is said again as long as it waits.
    Waiting { cell: CellName, step: StepId, wait: Wait },
    /// A step that was said to wait goes on, or has ended.
    Answered { cell: CellName, step: StepId },
    /// BuildKit warns of something in the Dockerfile.
    Warning { cell: CellName, warning: Warning },
    /// A cell came to its end.
    CellFinished(Outcome),
    /// The person asked to stop; running cells are being cancelled.
    Cancelling,
}

/// What a display knows of a cell before it starts.
#[derive(Debug, Clone)]
pub struct CellSummary {
    pub cell: CellName,
    pub platforms: Vec<Platform>,
}

/// Tells the steps of one cell apart; without meaning beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

/// A step of a build: one instruction of a Dockerfile, or work of BuildKit's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    /// What is done, without the bracketed head that BuildKit puts before it: `RUN apk add curl`.
    pub name: String,
    /// The platform it runs for, where the build has several.
    pub platform: Option<Platform>,
    /// The stage's name, or nothing for a Dockerfile with one unnamed stage.
    pub stage: Option<String>,
    /// Its place in the stage: (number, out of), both from 1.
    pub position: Option<(u32, u32)>,
    /// Whether it writes the image or a cache.
    pub is_output: bool,
    pub state: StepState,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    Running,
    Cached,
    Done { took: Duration },
    Failed { took: Duration },
    Cancelled,
}

/// How much of a thing has moved. `total` is 0 where it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What moves, in BuildKit's words: `pushing layers`, `sha256:1f2e…`.
    pub name: String,
    /// One of many, named by its digest.
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
    /// Who does not answer: a registry's host, or `the engine`.
    pub host: String,
    /// What is being done, such as `pushing layers`; may be empty.
    pub what: String,
    pub since: Duration,
}

/// A warning of BuildKit about a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The template, or a file that it includes: relative to the current directory.
    pub file: Option<String>,
    /// Line of `file`, from 1.
    pub line: Option<u32>,
    pub message: String,
    pub url: Option<String>,
}

impl Warning {
    /// Where it is: `ubuntu/Dockerfile:3`.
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(match self.line {
            Some(line) => format!("{file}:{line}"),
            None => file.clone(),
        })
    }
}
