//! The form of `run.jsonl`: one JSON object a line. `run.schema.json` is its schema.
//!
//! These types are the format, so they are apart from the types of a run: a change of those must not change
//! what was recorded. A version of the format only gains fields and types of events. A reader leaves out what
//! it does not know.

mod convert;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod schema;
#[cfg(test)]
mod tests;

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{RunId, Timestamp};

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunHead {
    pub version: u32,
    #[serde(rename = "type")]
    pub kind: RunKind,
    pub id: RunId,
    /// The version of onebuild.
    pub onebuild: String,
    pub time: Timestamp,
    pub command: Command,
    pub matrix: MatrixFile,
    /// The current directory.
    pub directory: String,
    /// The line about the engine with which a run begins.
    pub engine: String,
    pub jobs: usize,
    /// Whether it pushes the references of its cells.
    #[serde(default)]
    pub pushes: bool,
    /// The platform that the engine runs without emulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    pub process: Process,
}

/// The type of the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunKind {
    Run,
}

/// The command line of a run. Values that could be secret are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Command {
    /// `build` or `matrix`.
    pub name: String,
    /// Its flags and cells, and the flags that variables set, except those that only change what is shown.
    pub arguments: Vec<Argument>,
    /// The whole command for a shell.
    pub text: String,
}

/// A cell, or a flag with its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Argument {
    /// Its long form without hyphens; none for a cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// None for a flag without a value, and for one whose value is hidden. Of NAME=VALUE, NAME is not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value was left out, because it could be secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The environment variable that set it, if the command line did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
}

/// The matrix of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MatrixFile {
    /// As it was named, or found.
    pub file: String,
    /// Its absolute path without links, which identifies it; none if it came from a pipe.
    pub path: Option<String>,
}

/// The process of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub pid: u32,
    pub host: String,
}

/// Any line but the first one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// From 1, without gaps.
    pub seq: u64,
    pub time: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Event {
    /// A cell of the run. All of them precede every other event.
    Cell(Cell),
    CellStarted {
        cell: String,
    },
    /// A step started, or changed its state.
    Step(Step),
    Warning(Warning),
    /// A step waits for an answer.
    Waiting {
        cell: String,
        step: u32,
        host: String,
        what: String,
        #[serde(with = "seconds")]
        since: Duration,
    },
    /// That step continues, or has ended.
    Answered {
        cell: String,
        step: u32,
    },
    /// An attempt failed, and another one follows.
    Retrying(Retrying),
    /// The next attempt begins.
    Resumed {
        cell: String,
    },
    CellFinished(CellFinished),
    /// The user asked to stop.
    Cancelling,
    RunFinished(RunFinished),
}

/// A cell of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub cell: String,
    pub axes: IndexMap<String, String>,
    pub platforms: Vec<String>,
    pub references: Vec<String>,
}

/// A warning of BuildKit about a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Warning {
    pub cell: String,
    /// Relative to the current directory.
    pub file: Option<String>,
    pub line: Option<u32>,
    pub message: String,
    pub url: Option<String>,
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub cell: String,
    /// Identifies the step in its cell.
    pub step: u32,
    pub name: String,
    pub platform: Option<String>,
    pub stage: Option<String>,
    /// Its number in the stage, from 1, and the number of steps of the stage.
    pub position: Option<(u32, u32)>,
    pub state: StepState,
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StepState {
    Running,
    Cached,
    Done,
    Failed,
    Cancelled,
}

/// An attempt that failed, and the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Retrying {
    pub cell: String,
    /// The number of the next further attempt, from 1.
    pub number: u32,
    /// The largest `number` of this cell.
    pub of: u32,
    /// Until the next attempt; none if it begins when the engine answers.
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// How long the attempt took that failed.
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
    pub failure: Box<Failure>,
}

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellFinished {
    pub cell: String,
    /// From its start.
    #[serde(with = "seconds")]
    pub elapsed: Duration,
    #[serde(flatten)]
    pub result: CellResult,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub(crate) enum CellResult {
    Built(Built),
    Failed { failure: Box<Failure> },
    NotStarted,
    Cancelled,
}

/// A complete image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Built {
    /// None for output to a directory or an archive without one.
    pub digest: Option<String>,
    pub pushed: Vec<String>,
    /// Whether all of these had this digest before.
    pub unchanged: bool,
    /// Whether the registry was found to have what was pushed; false if nothing was pushed.
    pub verified: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
    pub cached_steps: u32,
    pub total_steps: u32,
    /// The image of each platform, if that was looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<PlatformImage>,
    pub smoke_test: SmokeTest,
    /// The hashes of what a pushed image was built from: of its recipe, and of its contexts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The run that built it, if this one left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<RunId>,
}

impl Built {
    /// Whether every instruction was cached.
    pub(super) fn is_cached(&self) -> bool {
        self.cached_steps == self.total_steps
    }
}

/// The image of one platform, as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlatformImage {
    pub platform: String,
    /// Of its manifest.
    pub digest: String,
    /// Of its configuration: the image ID.
    pub id: String,
    /// Bytes of its configuration and its layers, compressed.
    pub size: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub(crate) enum SmokeTest {
    #[default]
    None,
    Skipped,
    Passed {
        #[serde(with = "seconds")]
        took: Duration,
    },
}

/// Why a cell failed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Such as `command` or `registry`.
    pub kind: String,
    /// Such as `build` or `push`.
    pub phase: String,
    /// Whether the same build may succeed later.
    pub temporary: bool,
    pub message: String,
    /// The engine's own message, if `message` is shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    pub platform: Option<String>,
    pub stage: Option<String>,
    pub place: Option<Place>,
    pub instruction: Option<String>,
    pub exit_code: Option<i32>,
    /// How long the failed step ran.
    #[serde(default, with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub took: Option<Duration>,
    /// The last lines of output of the failed step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// The pattern of the matrix that this output contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_pattern: Option<String>,
    /// The run was stopped before the next attempt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    pub help: Option<String>,
    /// What was pushed before it failed.
    pub pushed: Vec<String>,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub file: String,
    pub line: u32,
    /// The line itself.
    #[serde(default)]
    pub text: String,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunFinished {
    /// The exit code of onebuild.
    pub exit_code: u8,
    #[serde(with = "seconds")]
    pub elapsed: Duration,
    pub totals: Totals,
}

/// The numbers of cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// Of the run.
    pub cells: usize,
    /// Pushed, whether or not that could be verified.
    pub pushed: usize,
    /// Built and not pushed.
    pub built: usize,
    /// Left out, since an earlier run built them.
    #[serde(default)]
    pub kept: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub not_started: usize,
}

impl Totals {
    /// Counts a cell that ended.
    pub(super) fn add(&mut self, result: &CellResult) {
        match result {
            CellResult::Built(built) if built.kept_from.is_some() => self.kept += 1,
            CellResult::Built(built) if built.pushed.is_empty() => self.built += 1,
            CellResult::Built(_) => self.pushed += 1,
            CellResult::Failed { .. } => self.failed += 1,
            CellResult::NotStarted => self.not_started += 1,
            CellResult::Cancelled => self.cancelled += 1,
        }
    }
}

/// Durations as numbers of seconds, to the millisecond.
mod seconds {
    use super::{Deserialize as _, Duration};

    pub(super) fn serialize<S: serde::Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_millis() as f64 / 1000.0)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}

mod optional_seconds {
    use super::{Deserialize, Duration, seconds};

    pub(super) fn serialize<S: serde::Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => seconds::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Seconds(#[serde(with = "seconds")] Duration);
        Ok(Option::<Seconds>::deserialize(deserializer)?.map(|seconds| seconds.0))
    }
}
