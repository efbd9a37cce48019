//! One line per event, prefixed with its cell: for logs, and for many concurrent cells.
//!
//! No line is rewritten later, and nothing depends on a terminal. `grep '^name '` shows one cell.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use super::activity::waiting;
use super::display::Display;
use crate::cell_name::CellName;
use crate::event::{CellSummary, Event, Step, StepId, StepState, Transfer, Wait, Warning};
use crate::outcome::{Built, CellResult, Outcome, SmokeResult};
use crate::report::failed_line;
use crate::text::{Paint, bytes, clean, duration, pad, width};

/// Maximum length of a line of build output.
const LINE: usize = 2_000;
/// BuildKit's internal steps are reported as done only if they took this long: most take a few
/// milliseconds, and every cell has a dozen.
const MIN_DURATION: Duration = Duration::from_secs(1);
const MIN_TRANSFER: u64 = 1_000_000;

/// What the first signal does, and what the next Ctrl-C would do.
const STOPPING: &str = "stopping: no more cells start, and running cells are cancelled \
    (press Ctrl-C again to quit without cleaning up)";

pub(super) struct Plain<W: Write> {
    out: BufWriter<W>,
    paint: Paint,
    column: usize,
    /// The prefix of each step's lines.
    labels: HashMap<(CellName, StepId), String>,
}

impl<W: Write> Plain<W> {
    pub(super) fn new(paint: Paint, out: W) -> Self {
        Self { out: BufWriter::new(out), paint, column: 0, labels: HashMap::new() }
    }

    fn line(&mut self, cell: &str, text: &str) -> io::Result<()> {
        let cell = self.paint.quiet(&pad(cell, self.column));
        writeln!(self.out, "{cell} | {text}")
    }

    fn begin(&mut self, cells: &[CellSummary], jobs: usize) -> io::Result<()> {
        self.column = cells.iter().map(|c| width(&c.cell)).max().unwrap_or(0);
        writeln!(self.out, "{}", super::cells::headline(cells, jobs))
    }

    fn step(&mut self, cell: &CellName, step: &Step) -> io::Result<()> {
        let mut name = clean(&step.name, LINE);
        if let (None, Some(platform)) = (step.position, &step.platform) {
            name += &format!(" ({})", platform.short());
        }
        let label = match place(step) {
            Some(place) => format!("[{place}]"),
            None => format!("[{name}]"),
        };
        let known =
            self.labels.insert((cell.clone(), step.id), label.clone()).is_some_and(|l| l == label);
        let started = if place(step).is_some() { format!("{label} {name}") } else { name };
        let text = match step.state {
            StepState::Running if known => return Ok(()),
            StepState::Running => started,
            StepState::Cached if place(step).is_none() => return Ok(()),
            StepState::Cached => format!("{started} (cached)"),
            StepState::Done { took } if place(step).is_none() && took < MIN_DURATION => {
                return Ok(());
            }
            StepState::Done { took } => format!("{label} done in {}", duration(took)),
            StepState::Failed { took } => {
                self.paint.bad(&format!("{label} failed after {}", duration(took)))
            }
            StepState::Cancelled => format!("{label} cancelled"),
        };
        self.line(cell, &text)
    }

    fn label(&self, cell: &CellName, step: StepId) -> String {
        self.labels.get(&(cell.clone(), step)).cloned().unwrap_or_default()
    }

    fn log(&mut self, cell: &CellName, step: StepId, text: &str) -> io::Result<()> {
        let label = self.label(cell, step);
        self.line(cell, format!("{label} > {}", clean(text, LINE)).trim())
    }

    fn transfer(&mut self, cell: &CellName, step: StepId, moved: &Transfer) -> io::Result<()> {
        if !moved.done || moved.current < MIN_TRANSFER {
            return Ok(());
        }
        let label = self.label(cell, step);
        let name = clean(&moved.name, LINE);
        self.line(cell, format!("{label} {name}: {}", bytes(moved.current)).trim())
    }

    fn waiting(&mut self, cell: &CellName, step: StepId, wait: &Wait) -> io::Result<()> {
        let label = self.label(cell, step);
        self.line(cell, format!("{label} {}", waiting(wait, wait.since)).trim())
    }

    fn warning(&mut self, cell: &CellName, warning: &Warning) -> io::Result<()> {
        let head = self.paint.warning("warning:");
        let place = warning.place().map(|place| format!("{place}: ")).unwrap_or_default();
        let mut text = format!("{head} {}", clean(&(place + &warning.message), LINE));
        if let Some(url) = &warning.url {
            text += &format!(" {}", clean(url, LINE));
        }
        self.line(cell, &text)
    }

    fn finished(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.labels.retain(|(cell, _), _| *cell != outcome.cell);
        let time = duration(outcome.elapsed);
        let text = match &outcome.result {
            CellResult::Built(built) => {
                let word = match built.unverified {
                    _ if built.pushed.is_empty() => self.paint.good("built"),
                    None => self.paint.good("pushed"),
                    Some(_) => self.paint.warning("pushed, not verified"),
                };
                format!("{word} in {time}{}", built_facts(built))
            }
            CellResult::Failed(failure) => {
                format!("{} after {time}: {}", self.paint.bad("failed"), failed_line(failure))
            }
            CellResult::Cancelled => "cancelled".to_owned(),
            CellResult::NotStarted => "not started, because another cell failed".to_owned(),
        };
        self.line(&outcome.cell, &text)
    }
}

impl<W: Write> Display for Plain<W> {
    fn event(&mut self, event: &Event, _: Instant) -> io::Result<()> {
        match event {
            Event::RunStarted { cells, jobs } => self.begin(cells, *jobs),
            Event::CellStarted { cell } => self.line(cell, "started"),
            Event::Step { cell, step } => self.step(cell, step),
            Event::Log { cell, step, line } => self.log(cell, *step, line),
            Event::Transfer { cell, step, transfer } => self.transfer(cell, *step, transfer),
            Event::Waiting { cell, step, wait } => self.waiting(cell, *step, wait),
            Event::Answered { .. } => Ok(()),
            Event::Warning { cell, warning } => self.warning(cell, warning),
            Event::CellFinished(outcome) => self.finished(outcome),
            Event::Cancelling => writeln!(self.out, "{STOPPING}"),
        }
    }

    fn dropped(&mut self, lines: usize) -> io::Result<()> {
        let note =
            format!("{lines} lines of build output dropped: writing to this output is too slow");
        writeln!(self.out, "{}", self.paint.quiet(&note))
    }

    fn flush(&mut self, _: Instant) -> io::Result<()> {
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out)?;
        self.out.flush()
    }
}

/// `arm64 packages 5/9` for an instruction; BuildKit's internal steps have no position.
fn place(step: &Step) -> Option<String> {
    let (number, total) = step.position?;
    let mut place = String::new();
    if let Some(platform) = &step.platform {
        place += &(platform.short() + " ");
    }
    if let Some(stage) = &step.stage {
        place += &(clean(stage, 80) + " ");
    }
    Some(place + &format!("{number}/{total}"))
}

fn built_facts(built: &Built) -> String {
    let mut facts = String::new();
    if built.total_steps > 0 {
        facts += &format!(", {} of {} steps cached", built.cached_steps, built.total_steps);
    }
    if let SmokeResult::Passed { took } = built.smoke {
        facts += &format!(", tested in {}", duration(took));
    }
    if let Some(digest) = &built.digest {
        facts += &format!(", {digest}");
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::cells::samples;

    fn shown(events: &[Event], colour: bool) -> String {
        let mut out = Vec::new();
        let mut plain = Plain::new(Paint { colour }, &mut out);
        let now = Instant::now();
        for event in events {
            plain.event(event, now).unwrap();
        }
        plain.end().unwrap();
        drop(plain);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_of_a_cell_starts_with_its_name() {
        insta::assert_snapshot!(shown(&samples::run(), false));
    }

    #[test]
    fn a_waiting_step_has_a_line_for_each_event() {
        let mut events = samples::run();
        let cell = "dood-2.0.11-alpine";
        events.push(samples::internal(cell, 92, "exporting to image", StepState::Running));
        events.push(samples::waiting(cell, 92, "ghcr.io", "pushing layers", 30));
        events.push(samples::waiting(cell, 92, "ghcr.io", "pushing layers", 90));
        events.push(samples::answered(cell, 92));
        events.push(samples::waiting(cell, 7, "the engine", "", 30));
        let text = shown(&events, false);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("waiting")).collect();
        assert_eq!(
            lines,
            [
                "dood-2.0.11-alpine | [exporting to image] waiting for ghcr.io (30 s): pushing layers",
                "dood-2.0.11-alpine | [exporting to image] waiting for ghcr.io (90 s): pushing layers",
                "dood-2.0.11-alpine | waiting for the engine (30 s)",
            ]
        );
    }

    #[test]
    fn without_colour_there_are_no_escape_sequences() {
        let line = "\x1b[31mred\r\x1b]0;title\x07 50%\r100%".to_owned();
        let mut events = samples::run();
        let cell = CellName::from("a");
        events.push(Event::Log { cell, step: StepId(9), line });
        let text = shown(&events, false);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(text.ends_with("| > 100%\n\n"), "{text:?}");
        assert!(shown(&events, true).contains("\x1b[32mpushed\x1b[0m"));
    }
}
