//! From the events of a run to those of its record.

use std::time::Duration;

use super::{
    Built, CellFinished, CellResult, Event, Failure, Place, PlatformImage, Retrying, SmokeTest,
    Step, StepState, Warning,
};
use crate::event;
use crate::failure::{Kind, Phase};
use crate::image;
use crate::outcome::{self, Outcome, SmokeResult};
use crate::text::{clean, instruction};

/// Maximum length of a text that is not our own.
const TEXT: usize = 8 << 10;

impl Event {
    /// The events that are recorded of `event`. Output of steps and transfers are in the log alone.
    pub(crate) fn of(event: &event::Event) -> Option<Self> {
        Some(match event {
            event::Event::CellStarted { cell } => Self::CellStarted { cell: cell.to_string() },
            event::Event::Step { cell, step } => Self::Step(Step::of(cell, step)),
            event::Event::Waiting { cell, step, wait } => Self::Waiting {
                cell: cell.to_string(),
                step: step.0,
                host: text(&wait.host),
                what: text(&wait.what),
                since: millis(wait.since),
            },
            event::Event::Answered { cell, step } => {
                Self::Answered { cell: cell.to_string(), step: step.0 }
            }
            event::Event::Warning { cell, warning } => Self::Warning(Warning {
                cell: cell.to_string(),
                file: optional(&warning.file),
                line: warning.line,
                message: text(&warning.message),
                url: optional(&warning.url),
            }),
            event::Event::Retrying { cell, retry } => Self::Retrying(Retrying {
                cell: cell.to_string(),
                number: retry.number,
                of: retry.of,
                wait: retry.wait.map(millis),
                took: Some(millis(retry.took)),
                failure: Box::new(Failure::of(&retry.failure)),
            }),
            event::Event::Resumed { cell } => Self::Resumed { cell: cell.to_string() },
            event::Event::CellFinished(outcome) => Self::CellFinished(CellFinished::of(outcome)),
            event::Event::Cancelling => Self::Cancelling,
            // The record begins with its own line about the run.
            event::Event::RunStarted { .. }
            | event::Event::Log { .. }
            | event::Event::Transfer { .. } => return None,
        })
    }
}

fn text(text: &str) -> String {
    clean(text, TEXT)
}

/// What a record holds of a time, so that a run in memory is the same as the one that is read from its record.
fn millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn optional(text: &Option<String>) -> Option<String> {
    text.as_deref().map(self::text)
}

impl Step {
    fn of(cell: &str, step: &event::Step) -> Self {
        use event::StepState as From;
        let (state, took) = match step.state {
            From::Running => (StepState::Running, None),
            From::Cached => (StepState::Cached, None),
            From::Done { took } => (StepState::Done, Some(millis(took))),
            From::Failed { took } => (StepState::Failed, Some(millis(took))),
            From::Cancelled => (StepState::Cancelled, None),
        };
        Self {
            cell: cell.to_owned(),
            step: step.id.0,
            name: instruction(&step.name, TEXT),
            platform: step.platform.as_ref().map(ToString::to_string),
            stage: optional(&step.stage),
            position: step.position,
            state,
            took,
        }
    }
}

impl CellFinished {
    fn of(outcome: &Outcome) -> Self {
        let result = match &outcome.result {
            outcome::CellResult::Built(built) => CellResult::Built(Built::of(built)),
            outcome::CellResult::Failed(failure) => {
                CellResult::Failed { failure: Box::new(Failure::of(failure)) }
            }
            outcome::CellResult::NotStarted(_) => CellResult::NotStarted,
            outcome::CellResult::Cancelled => CellResult::Cancelled,
        };
        Self { cell: outcome.cell.to_string(), elapsed: millis(outcome.elapsed), result }
    }
}

impl Built {
    fn of(built: &outcome::Built) -> Self {
        Self {
            digest: built.digest.as_ref().map(ToString::to_string),
            pushed: built.pushed.iter().map(ToString::to_string).collect(),
            unchanged: built.unchanged,
            verified: !built.pushed.is_empty() && built.unverified.is_none(),
            unverified: optional(&built.unverified),
            cached_steps: built.cached_steps,
            total_steps: built.total_steps,
            images: built.images.iter().map(PlatformImage::of).collect(),
            smoke_test: match built.smoke {
                SmokeResult::No => SmokeTest::None,
                SmokeResult::Skipped => SmokeTest::Skipped,
                SmokeResult::Passed { took } => SmokeTest::Passed { took: millis(took) },
            },
            recipe: built.inputs.as_ref().map(|inputs| inputs.recipe.to_string()),
            context: built.inputs.as_ref().map(|inputs| inputs.context.to_string()),
            kept_from: None,
        }
    }
}

impl PlatformImage {
    fn of(image: &image::PlatformImage) -> Self {
        Self {
            platform: image.platform.to_string(),
            digest: image.digest.to_string(),
            id: image.id.to_string(),
            size: image.size,
        }
    }
}

impl Failure {
    pub(crate) fn of(failure: &outcome::Failure) -> Self {
        let place = failure.place.as_ref();
        Self {
            kind: kind(&failure.kind).to_owned(),
            phase: phase(failure.phase).to_owned(),
            temporary: failure.is_temporary(),
            message: text(&failure.message),
            engine: optional(&failure.verbatim),
            platform: failure.platform.as_ref().map(ToString::to_string),
            stage: optional(&failure.stage),
            place: place.map(|place| Place {
                file: text(&place.file),
                line: place.line,
                text: text(&place.text),
            }),
            instruction: failure.instruction.as_deref().map(|text| instruction(text, TEXT)),
            exit_code: failure.exit_code,
            took: failure.elapsed.map(millis),
            output: failure.log_tail.iter().map(|line| text(line)).collect(),
            retry_pattern: optional(&failure.retry_pattern),
            interrupted: failure.is_interrupted,
            help: optional(&failure.help),
            pushed: failure.pushed.iter().map(ToString::to_string).collect(),
        }
    }
}

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Registry { .. } => "registry",
        Kind::EngineLost => "engine-lost",
        Kind::EngineDiskFull => "engine-disk-full",
        Kind::Command { .. } => "command",
        Kind::SmokeTest => "smoke-test",
        Kind::Context => "context",
        Kind::Dockerfile => "dockerfile",
        Kind::Output => "output",
        Kind::TimedOut => "timed-out",
        Kind::TagConflict => "tag-conflict",
        Kind::DamagedCache => "damaged-cache",
        Kind::Bug => "bug",
        Kind::Unknown => "unknown",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Pull => "pull",
        Phase::Build => "build",
        Phase::SmokeTest => "smoke-test",
        Phase::Push => "push",
        Phase::Verify => "verify",
    }
}
