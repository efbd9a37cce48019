//! The times of a run, its cells and their steps, in milliseconds from the start of the run.

use std::time::Duration;

use crate::image::Platform;
use crate::record::event::{Step, StepState};
use crate::record::{CellState, Recorded, RecordedCell, RecordedStep, State, Timestamp};
use crate::text::{clean, instruction};

/// The longest name of a step, in characters.
const LONGEST: usize = 300;

/// When the parts of a run ran.
pub(super) struct Timings<'r> {
    pub(super) run: &'r Recorded,
    /// The end of the run, or its last event.
    pub(super) end: u64,
    /// In the order of the run.
    pub(super) cells: Vec<CellTimes<'r>>,
}

/// When a cell ran.
pub(super) struct CellTimes<'r> {
    pub(super) name: String,
    pub(super) known: &'r RecordedCell,
    pub(super) state: CellState,
    /// None if it was not started.
    pub(super) ran: Option<Span>,
    /// In order; one, unless an attempt failed and was followed by another one.
    pub(super) attempts: Vec<Span>,
    /// Between these.
    pub(super) waits: Vec<Span>,
    /// By their start.
    pub(super) steps: Vec<StepTimes>,
}

/// When a step ran.
pub(super) struct StepTimes {
    /// With its stage and position: `[build 2/5] RUN make`.
    pub(super) label: String,
    pub(super) platform: Option<String>,
    pub(super) state: StepEnd,
    /// It ran programs of a platform that the engine's machine does not run itself.
    pub(super) is_emulated: bool,
    /// From 0.
    pub(super) attempt: usize,
    pub(super) ran: Span,
}

/// A time with a start and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: u64,
    /// Never before `from`.
    pub(super) until: u64,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepEnd {
    Done,
    Cached,
    Failed,
    Cancelled,
    /// The run goes on, or was killed, or the cell ended before it.
    Unfinished,
}

impl<'r> Timings<'r> {
    pub(super) fn of(run: &'r Recorded) -> Self {
        let last = millis(run.last.since(run.head.time));
        let end = match &run.state {
            State::Ended(end) => millis(end.elapsed).max(last),
            State::Running | State::Killed => last,
        };
        let native = run.head.native.as_deref().and_then(|native| native.parse().ok());
        let clock = Clock { start: run.head.time, end, native };
        let cells = run.cells.iter().map(|(name, known)| clock.cell(name, known, run)).collect();
        Self { run, end, cells }
    }

    /// All steps, each with the number of its cell.
    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &StepTimes)> {
        let cells = self.cells.iter().enumerate();
        cells.flat_map(|(number, cell)| cell.steps.iter().map(move |step| (number, step)))
    }
}

impl Span {
    pub(super) fn took(self) -> Duration {
        Duration::from_millis(self.until - self.from)
    }

    /// The part of it within `outer`.
    fn within(self, outer: Self) -> Self {
        let from = self.from.clamp(outer.from, outer.until);
        Self { from, until: self.until.clamp(from, outer.until) }
    }
}

impl StepEnd {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What turns the times of a record into those of a run.
struct Clock {
    start: Timestamp,
    end: u64,
    native: Option<Platform>,
}

impl Clock {
    fn at(&self, time: Timestamp) -> u64 {
        millis(time.since(self.start)).min(self.end)
    }

    fn cell<'r>(&self, name: &str, known: &'r RecordedCell, run: &Recorded) -> CellTimes<'r> {
        let first = known.steps.values().map(|step| step.started).min();
        let ran = known.started.or(first).map(|started| {
            let from = self.at(started);
            let until = known.ended.map_or(self.end, |ended| self.at(ended));
            Span { from, until: until.max(from) }
        });
        let (attempts, waits) = ran.map_or_else(Default::default, |ran| self.parts(ran, known));
        let mut steps = Vec::with_capacity(known.steps.len());
        for (key, step) in &known.steps {
            if let Some(outer) = attempts.get(key.attempt).or(attempts.last()) {
                steps.push(self.step(key.attempt, step, *outer, known));
            }
        }
        steps.sort_by_key(|step| (step.ran.from, step.attempt));
        CellTimes {
            name: clean(name, LONGEST),
            known,
            state: run.cell_state(known),
            ran,
            attempts,
            waits,
            steps,
        }
    }

    /// The attempts of a cell, and the times between them.
    fn parts(&self, ran: Span, known: &RecordedCell) -> (Vec<Span>, Vec<Span>) {
        let (mut attempts, mut waits) = (Vec::new(), Vec::new());
        let mut from = ran.from;
        for pause in &known.pauses {
            let ended = self.at(pause.from).clamp(from, ran.until);
            attempts.push(Span { from, until: ended });
            let resumed = pause.until.map_or(ran.until, |until| self.at(until));
            from = resumed.clamp(ended, ran.until);
            waits.push(Span { from: ended, until: from });
            if pause.until.is_none() {
                return (attempts, waits);
            }
        }
        attempts.push(Span { from, until: ran.until });
        (attempts, waits)
    }

    fn step(
        &self,
        attempt: usize,
        recorded: &RecordedStep,
        outer: Span,
        cell: &RecordedCell,
    ) -> StepTimes {
        let step = &recorded.step;
        let from = self.at(recorded.started);
        let until = recorded.ended.map_or(outer.until, |ended| self.at(ended));
        // A step of a solve for one platform does not name it.
        let only = match cell.cell.platforms.as_slice() {
            [only] if step.position.is_some() => Some(only),
            _ => None,
        };
        let platform = step.platform.as_ref().or(only);
        StepTimes {
            label: label(step),
            is_emulated: step.state != StepState::Cached
                && is_run(step)
                && platform.is_some_and(|p| self.is_emulated(p)),
            platform: platform.map(|platform| clean(platform, LONGEST)),
            state: match step.state {
                StepState::Running => StepEnd::Unfinished,
                StepState::Cached => StepEnd::Cached,
                StepState::Done => StepEnd::Done,
                StepState::Failed => StepEnd::Failed,
                StepState::Cancelled => StepEnd::Cancelled,
            },
            attempt,
            ran: Span { from, until: until.max(from) }.within(outer),
        }
    }

    fn is_emulated(&self, platform: &str) -> bool {
        let platform = platform.parse::<Platform>().ok();
        self.native.as_ref().zip(platform).is_some_and(|(native, p)| !native.runs_natively(&p))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether it runs a program. Other instructions are the engine's own work, for whichever platform.
fn is_run(step: &Step) -> bool {
    step.name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("RUN "))
}

fn label(step: &Step) -> String {
    let stage = step.stage.as_deref().filter(|stage| !stage.is_empty());
    let position = step.position.map(|(number, of)| format!("{number}/{of}"));
    let place: Vec<&str> = stage.into_iter().chain(position.as_deref()).collect();
    let text = match (place.is_empty(), step.name.is_empty()) {
        (true, true) => format!("step {}", step.step),
        (true, false) => step.name.clone(),
        (false, _) => format!("[{}] {}", place.join(" "), step.name),
    };
    match instruction(&text, LONGEST) {
        // Nothing of it is visible.
        text if text.is_empty() => format!("step {}", step.step),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{retried, run_of};
    use super::*;
    use crate::reporters::samples::family;

    #[test]
    fn a_retried_cell_has_attempts_waits_and_steps_within_them() {
        let run = retried();
        let timings = Timings::of(&run);
        let cell = &timings.cells[0];
        let span = |from, until| Span { from, until };
        assert_eq!(cell.ran, Some(span(100, 9_000)));
        assert_eq!(cell.attempts, [span(100, 3_000), span(5_000, 9_000)]);
        assert_eq!(cell.waits, [span(3_000, 5_000)]);
        let steps: Vec<_> =
            cell.steps.iter().map(|step| (step.attempt, step.ran, step.state)).collect();
        assert_eq!(
            steps,
            [
                (0, span(200, 3_000), StepEnd::Failed),
                // It was not over when its attempt was.
                (0, span(300, 3_000), StepEnd::Unfinished),
                // It would have started before its attempt.
                (1, span(5_000, 8_000), StepEnd::Done),
            ]
        );
        assert_eq!(cell.state, CellState::Running);
    }

    #[test]
    fn only_programs_of_another_platform_are_emulated() {
        for (native, platform, name, expected) in [
            ("linux/amd64", "linux/arm64", "RUN make", true),
            ("linux/amd64", "linux/arm64", "COPY . /", false),
            ("linux/amd64", "linux/386", "RUN make", false),
            ("linux/arm64", "linux/arm/v7", "RUN make", false),
            ("linux/arm64", "linux/amd64", "RUN make", true),
            ("", "linux/amd64", "RUN make", false),
            ("linux/amd64", "\u{0}", "RUN make", false),
        ] {
            for is_named in [true, false] {
                let run = run_of(native, platform, name, is_named);
                let timings = Timings::of(&run);
                let step = &timings.cells[0].steps[0];
                assert_eq!(step.is_emulated, expected, "{native} {platform} {name}");
            }
        }
    }

    #[test]
    fn every_cell_and_step_of_a_run_has_its_time() {
        let run = family();
        let timings = Timings::of(&run);
        assert_eq!((timings.cells.len(), timings.end), (168, 160_000));
        let of = |state| timings.cells.iter().filter(|cell| cell.state == state).count();
        assert_eq!((of(CellState::Failed), of(CellState::NotStarted)), (6, 2));
        assert_eq!(timings.steps().count(), 166 * 4);
        for cell in &timings.cells {
            assert_eq!(cell.ran.is_none(), cell.state == CellState::NotStarted, "{}", cell.name);
            assert_eq!(cell.attempts.len(), cell.waits.len() + cell.attempts.len().min(1));
        }
        let labels: Vec<&str> = timings.cells[0].steps.iter().map(|s| s.label.as_str()).collect();
        assert!(labels.contains(&"[2/2] RUN install-everything"), "{labels:?}");
    }
}
