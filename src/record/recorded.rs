//! A run, built up from its recorded events: while it goes on, or from its record.

use indexmap::IndexMap;

use super::event::{
    Cell, CellFinished, Event, Retrying, RunFinished, RunHead, Step, StepState, Totals, Warning,
};
use super::timestamp::Timestamp;

/// What is known of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) head: RunHead,
    /// In the order of the run.
    pub(crate) cells: IndexMap<String, RecordedCell>,
    /// The time of the last event.
    pub(crate) last: Timestamp,
    /// The user asked it to stop.
    pub(crate) is_cancelling: bool,
    pub(crate) state: State,
    steps: Steps,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    Running,
    Ended(RunFinished),
    /// The record has no end, and nothing writes it.
    Killed,
}

/// Whether the steps of cells are kept. There are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steps {
    Kept,
    Left,
}

/// What is known of a cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RecordedCell {
    pub(crate) cell: Cell,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// The attempts that failed and were followed by another one, oldest first.
    pub(crate) retries: Vec<Retrying>,
    /// One after each of these attempts.
    pub(crate) pauses: Vec<Pause>,
    pub(crate) warnings: Vec<Warning>,
    /// Of all attempts, by their start; empty if steps are not kept.
    pub(crate) steps: IndexMap<StepKey, RecordedStep>,
    pub(crate) finished: Option<CellFinished>,
}

/// The time between two attempts of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: Timestamp,
    /// None while it lasts, and if the run ended then.
    pub(crate) until: Option<Timestamp>,
}

/// Identifies a step in its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StepKey {
    /// From 0.
    pub(crate) attempt: usize,
    pub(crate) step: u32,
}

/// What is known of a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordedStep {
    /// Its last state.
    pub(crate) step: Step,
    pub(crate) started: Timestamp,
    /// None while it runs, and if the run was killed then.
    pub(crate) ended: Option<Timestamp>,
}

impl Recorded {
    /// A run that has just begun.
    pub(crate) fn new(head: RunHead, steps: Steps) -> Self {
        Self {
            last: head.time,
            head,
            cells: IndexMap::new(),
            is_cancelling: false,
            state: State::Running,
            steps,
        }
    }

    /// Adds what happened at `time`.
    pub(crate) fn add(&mut self, time: Timestamp, event: Event) {
        self.last = self.last.max(time);
        match event {
            Event::Cell(cell) => {
                let known = RecordedCell { cell: cell.clone(), ..RecordedCell::default() };
                self.cells.insert(cell.cell, known);
            }
            Event::CellStarted { cell } => self.cell(&cell).started = Some(time),
            Event::Step(step) => {
                if self.steps == Steps::Kept {
                    self.cell(&step.cell.clone()).step(time, step);
                }
            }
            Event::Warning(warning) => self.cell(&warning.cell.clone()).warnings.push(warning),
            Event::Retrying(retrying) => {
                let cell = self.cell(&retrying.cell.clone());
                cell.pauses.push(Pause { from: time, until: None });
                cell.retries.push(retrying);
            }
            Event::Resumed { cell } => {
                if let Some(pause) = self.cell(&cell).pauses.last_mut() {
                    pause.until = pause.until.or(Some(time));
                }
            }
            Event::CellFinished(finished) => {
                let cell = self.cell(&finished.cell.clone());
                cell.ended = Some(time);
                cell.finished = Some(finished);
            }
            Event::Cancelling => self.is_cancelling = true,
            Event::RunFinished(end) => self.state = State::Ended(end),
            Event::Waiting { .. } | Event::Answered { .. } => {}
        }
    }

    fn cell(&mut self, name: &str) -> &mut RecordedCell {
        if !self.cells.contains_key(name) {
            self.cells.insert(name.to_owned(), RecordedCell::default());
        }
        &mut self.cells[name]
    }

    /// The numbers of cells, so far or at the end.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals { cells: self.cells.len(), ..Totals::default() };
        for finished in self.cells.values().filter_map(|cell| cell.finished.as_ref()) {
            totals.add(&finished.result);
        }
        totals
    }

    /// How long the run took, or has run.
    pub(crate) fn elapsed(&self) -> std::time::Duration {
        match &self.state {
            State::Ended(end) => end.elapsed,
            State::Running => Timestamp::now().since(self.head.time),
            State::Killed => self.last.since(self.head.time),
        }
    }
}

impl RecordedCell {
    fn step(&mut self, time: Timestamp, step: Step) {
        let key = StepKey { attempt: self.retries.len(), step: step.step };
        let ended = (step.state != StepState::Running).then_some(time);
        // A step that was not seen running started that long ago.
        let started = step.took.map_or(time, |took| time.before(took));
        match self.steps.get_mut(&key) {
            Some(known) => (known.step, known.ended) = (step, ended),
            None => {
                self.steps.insert(key, RecordedStep { step, started, ended });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::event::samples;

    fn at(millis: u64) -> Timestamp {
        (std::time::UNIX_EPOCH + Duration::from_millis(millis)).into()
    }

    fn step(id: u32, state: StepState, took: Option<u64>) -> Event {
        Event::Step(Step {
            cell: "v1".to_owned(),
            step: id,
            name: "RUN make".to_owned(),
            platform: None,
            stage: None,
            position: Some((1, 2)),
            state,
            took: took.map(Duration::from_millis),
        })
    }

    #[test]
    fn steps_have_times_and_those_of_two_attempts_are_apart() {
        let head = RunHead { time: at(0), ..samples::head("x") };
        let mut run = Recorded::new(head, Steps::Kept);
        run.add(at(1_000), Event::CellStarted { cell: "v1".to_owned() });
        run.add(at(1_100), step(1, StepState::Running, None));
        run.add(at(2_000), step(1, StepState::Failed, Some(850)));
        run.add(at(2_000), samples::retrying("v1"));
        let pause = |run: &Recorded| run.cells["v1"].pauses[0];
        assert_eq!(pause(&run), Pause { from: at(2_000), until: None });
        run.add(at(2_500), Event::Resumed { cell: "v1".to_owned() });
        assert_eq!(pause(&run), Pause { from: at(2_000), until: Some(at(2_500)) });
        run.add(at(3_000), step(1, StepState::Done, Some(400)));
        run.add(at(3_000), step(2, StepState::Running, None));
        let steps = &run.cells["v1"].steps;
        let times: Vec<_> = steps
            .iter()
            .map(|(key, one)| (key.attempt, key.step, one.started, one.ended))
            .collect();
        assert_eq!(
            times,
            [
                (0, 1, at(1_100), Some(at(2_000))),
                (1, 1, at(2_600), Some(at(3_000))),
                (1, 2, at(3_000), None),
            ]
        );
        assert_eq!(steps[0].step.state, StepState::Failed);
        assert_eq!(run.last, at(3_000));
    }

    #[test]
    fn a_run_without_steps_has_the_rest() {
        let mut run = Recorded::new(samples::head("x"), Steps::Left);
        run.add(at(1), step(1, StepState::Running, None));
        assert!(run.cells.is_empty());
        assert_eq!(run.state, State::Running);
    }
}
