//! From a record back to the outcomes of its cells, for the closing report.

use super::event::{self, CellFinished, Retrying, SmokeTest};
use super::recorded::{Recorded, RecordedCell, State};
use super::run_id::RunId;
use crate::failure::{Attempt, Kind, Phase, Place};
use crate::image::{Platform, Reference};
use crate::outcome::{Built, CellResult, Failure, Outcome, SmokeResult};

impl Recorded {
    /// The outcomes of the cells that this run built, in its order. A cell that had not ended counts as cancelled,
    /// and is left out if the run goes on.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        let goes_on = self.state == State::Running;
        let cells = self.cells.values().filter(|cell| cell.kept_from().is_none());
        cells
            .filter(|cell| !goes_on || cell.finished.is_some())
            .map(RecordedCell::outcome)
            .collect()
    }
}

impl RecordedCell {
    /// The run that built it, if this one left it out.
    pub(crate) fn kept_from(&self) -> Option<&RunId> {
        match &self.finished {
            Some(CellFinished { result: event::CellResult::Built(built), .. }) => {
                built.kept_from.as_ref()
            }
            _ => None,
        }
    }

    /// How it ended. A cell that had not ended counts as cancelled.
    ///
    /// A record has the sentence about a registry, and not the fault: such a failure is of the kind `Unknown`.
    pub(crate) fn outcome(&self) -> Outcome {
        let platforms = self.cell.platforms.iter();
        let result = match self.finished.as_ref().map(|finished| &finished.result) {
            Some(event::CellResult::Built(built)) => CellResult::Built(self::built(built, self)),
            Some(event::CellResult::Failed { failure }) => CellResult::Failed(Box::new(Failure {
                earlier: earlier(self),
                ..self::failure(failure)
            })),
            Some(event::CellResult::Cancelled) => CellResult::Cancelled,
            None if self.started.is_some() => CellResult::Cancelled,
            Some(event::CellResult::NotStarted) | None => CellResult::NotStarted("the run ended"),
        };
        let elapsed = self.finished.as_ref().map(|finished| finished.elapsed);
        Outcome {
            cell: self.cell.cell.as_str().into(),
            platforms: platforms.filter_map(|platform| platform.parse::<Platform>().ok()).collect(),
            result,
            elapsed: elapsed.unwrap_or_default(),
        }
    }
}

fn earlier(known: &RecordedCell) -> Vec<Attempt> {
    let attempt = |retry: &Retrying| Attempt {
        failure: Box::new(failure(&retry.failure)),
        took: retry.took.unwrap_or_default(),
    };
    known.retries.iter().map(attempt).collect()
}

fn built(built: &event::Built, known: &RecordedCell) -> Built {
    Built {
        digest: built.digest.as_ref().and_then(|digest| digest.parse().ok()),
        pushed: references(&built.pushed),
        unchanged: built.unchanged,
        cached_steps: built.cached_steps,
        total_steps: built.total_steps,
        smoke: match built.smoke_test {
            SmokeTest::None => SmokeResult::No,
            SmokeTest::Skipped => SmokeResult::Skipped,
            SmokeTest::Passed { took } => SmokeResult::Passed { took },
        },
        unverified: built.unverified.clone(),
        earlier: earlier(known),
        // No report of outcomes shows them.
        images: Vec::new(),
        inputs: None,
    }
}

fn references(texts: &[String]) -> Vec<Reference> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn failure(recorded: &event::Failure) -> Failure {
    Failure {
        kind: kind(recorded),
        phase: phase(&recorded.phase),
        message: recorded.message.clone(),
        verbatim: recorded.engine.clone(),
        platform: recorded.platform.as_ref().and_then(|platform| platform.parse().ok()),
        stage: recorded.stage.clone(),
        place: recorded.place.as_ref().map(|place| Place {
            file: place.file.clone(),
            line: place.line,
            text: place.text.clone(),
        }),
        instruction: recorded.instruction.clone(),
        exit_code: recorded.exit_code,
        elapsed: recorded.took,
        log_tail: recorded.output.clone(),
        help: recorded.help.clone(),
        pushed: references(&recorded.pushed),
        retry_pattern: recorded.retry_pattern.clone(),
        earlier: Vec::new(),
        is_interrupted: recorded.interrupted,
    }
}

fn kind(failure: &event::Failure) -> Kind {
    match failure.kind.as_str() {
        "engine-lost" => Kind::EngineLost,
        "engine-disk-full" => Kind::EngineDiskFull,
        "command" => Kind::Command { exit_code: failure.exit_code.unwrap_or_default() },
        "smoke-test" => Kind::SmokeTest,
        "context" => Kind::Context,
        "dockerfile" => Kind::Dockerfile,
        "output" => Kind::Output,
        "timed-out" => Kind::TimedOut,
        "tag-conflict" => Kind::TagConflict,
        "damaged-cache" => Kind::DamagedCache,
        "bug" => Kind::Bug,
        _ => Kind::Unknown,
    }
}

fn phase(phase: &str) -> Phase {
    match phase {
        "pull" => Phase::Pull,
        "smoke-test" => Phase::SmokeTest,
        "push" => Phase::Push,
        "verify" => Phase::Verify,
        _ => Phase::Build,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Event, Retry};
    use crate::record::event::{Cell, samples};
    use crate::record::{Recorded, Steps, Timestamp};
    use crate::report::{Style, closing, samples as outcomes};

    #[test]
    fn the_report_of_a_record_is_that_of_the_run() {
        let mut outcomes = outcomes::mixed();
        // Two of them have one name.
        outcomes.last_mut().unwrap().cell = "dood-2.0.12-centos".into();
        let mut run = Recorded::new(samples::head("x"), Steps::Left);
        let time = Timestamp::now();
        for outcome in &outcomes {
            run.add(
                time,
                event::Event::Cell(Cell {
                    cell: outcome.cell.to_string(),
                    platforms: outcome.platforms.iter().map(ToString::to_string).collect(),
                    ..Cell::default()
                }),
            );
            let earlier = match &outcome.result {
                CellResult::Built(built) => built.earlier.as_slice(),
                CellResult::Failed(failure) => failure.earlier.as_slice(),
                _ => &[],
            };
            for (number, Attempt { failure, took }) in (1..).zip(earlier.iter().cloned()) {
                let retry = Retry { number, of: 2, failure, took, wait: None };
                let retrying = Event::Retrying { cell: outcome.cell.clone(), retry };
                run.add(time, event::Event::of(&retrying).unwrap());
            }
            let finished = Event::CellFinished(outcome.clone());
            run.add(time, event::Event::of(&finished).unwrap());
        }
        run.state = State::Killed;
        let report = |outcomes: &[Outcome]| {
            closing(outcomes, Duration::from_secs(9), Style { table: true, ..Style::default() })
        };
        assert_eq!(report(&run.outcomes()), report(&outcomes));
    }
}
