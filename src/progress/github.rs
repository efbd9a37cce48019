//! A run in the log of GitHub Actions: a group of lines for each cell, printed when the cell ends.
//!
//! GitHub shows a group folded, so the line that says how the cell ended is its title. A cell that failed has
//! that line below its group as well, which is always visible.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use super::cells::{Cells, headline};
use super::display::Display;
use super::plain::{HEARTBEAT, PULSE, STOPPING, clock, ended, running_count, still_running};
use super::transcript::Transcript;
use crate::cell_name::CellName;
use crate::event::Event;
use crate::outcome::{CellResult, Outcome};
use crate::text::{Paint, clean};

/// Bytes of a cell's lines that are kept from its start and until its end. The rest is left out.
const FIRST: usize = 64 << 10;
const LAST: usize = 1 << 20;

pub(super) struct Github<W: Write> {
    out: BufWriter<W>,
    paint: Paint,
    cells: Cells,
    transcript: Transcript,
    logs: HashMap<CellName, Lines>,
    now: Instant,
    /// When the last line was printed.
    printed: Instant,
}

impl<W: Write> Github<W> {
    pub(super) fn new(paint: Paint, out: W) -> Self {
        let now = Instant::now();
        Self {
            out: BufWriter::new(out),
            paint,
            cells: Cells::default(),
            transcript: Transcript::new(),
            logs: HashMap::new(),
            now,
            printed: now,
        }
    }

    /// Prints a line with the time since the start.
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.printed = self.now;
        let started = self.cells.started.unwrap_or(self.now);
        let time = self.paint.quiet(&clock(self.now.saturating_duration_since(started)));
        writeln!(self.out, "{time} {}", self.paint.shown(text))
    }

    fn finished(&mut self, outcome: &Outcome) -> io::Result<()> {
        let how = ended(outcome, &self.cells, self.paint);
        let Some(lines) = self.logs.remove(&outcome.cell) else {
            return self.line(&format!("{} {how}", outcome.cell));
        };
        let title = clean(&format!("{} {how}", outcome.cell), usize::MAX);
        self.printed = self.now;
        writeln!(self.out, "::group::{}", self.paint.shown(&title))?;
        lines.write(&outcome.cell, &mut self.out)?;
        writeln!(self.out, "::endgroup::")?;
        match outcome.result {
            CellResult::Failed(_) => self.line(&format!("{} {how}", outcome.cell)),
            _ => Ok(()),
        }
    }

    /// Prints what is running, if nothing was printed for some time.
    fn heartbeat(&mut self) -> io::Result<()> {
        let silence = self.now.saturating_duration_since(self.printed);
        if silence < HEARTBEAT || self.cells.active.is_empty() {
            return Ok(());
        }
        for (name, text) in still_running(&self.cells, self.now) {
            self.line(&format!("{name} {text}"))?;
        }
        running_count(&self.cells).map_or(Ok(()), |count| self.line(&count))
    }
}

impl<W: Write> Display for Github<W> {
    fn pulse(&self) -> Option<Duration> {
        Some(PULSE)
    }

    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        self.now = now;
        self.cells.event(event, now);
        let lines = self.transcript.lines(event, now);
        match event {
            Event::RunStarted { cells, jobs } => {
                self.printed = now;
                writeln!(self.out, "{}", headline(cells, *jobs))
            }
            Event::CellFinished(outcome) => self.finished(outcome),
            Event::Cancelling => self.line(STOPPING),
            other => {
                if let (Some(cell), false) = (other.cell(), lines.is_empty()) {
                    self.logs.entry(cell.clone()).or_default().add(lines);
                }
                Ok(())
            }
        }
    }

    fn dropped(&mut self, lines: usize, now: Instant) -> io::Result<()> {
        self.now = now;
        self.cells.dropped(now);
        self.line(&format!(
            "{lines} lines of build output dropped: writing to this output is too slow"
        ))
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.now = now;
        self.heartbeat()?;
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out)?;
        self.out.flush()
    }
}

/// The lines of a running cell.
#[derive(Default)]
struct Lines {
    first: Vec<u8>,
    last: VecDeque<Vec<u8>>,
    /// Of `last`.
    bytes: usize,
    left_out: usize,
}

impl Lines {
    fn add(&mut self, lines: Vec<u8>) {
        if self.last.is_empty() && self.first.len() + lines.len() <= FIRST {
            self.first.extend_from_slice(&lines);
            return;
        }
        self.bytes += lines.len();
        self.last.push_back(lines);
        while self.bytes > LAST
            && let Some(lines) = self.last.pop_front()
        {
            self.bytes -= lines.len();
            self.left_out += lines.iter().filter(|byte| **byte == b'\n').count();
        }
    }

    fn write(&self, cell: &str, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.first)?;
        if self.left_out > 0 {
            let (lines, cell) = (self.left_out, clean(cell, usize::MAX));
            writeln!(out, "({lines} lines left out; `onebuild logs {cell}` prints all)")?;
        }
        self.last.iter().try_for_each(|lines| out.write_all(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepId;
    use crate::progress::cells::samples;
    use crate::report::samples as outcomes;

    fn shown(events: &[(u64, Event)], end: u64) -> String {
        let mut out = Vec::new();
        samples::show(Github::new(Paint::default(), &mut out), events, end);
        String::from_utf8(out).unwrap()
    }

    fn log(cell: &str, line: &str) -> Event {
        Event::Log { cell: cell.into(), step: StepId(1), line: line.to_owned() }
    }

    #[test]
    fn each_cell_has_a_group_when_it_ends_and_what_runs_is_printed_every_30_s() {
        let events = [
            (0, samples::run_started(&["a", "b", "c"], 2)),
            (0, samples::cell_started("a")),
            (0, samples::cell_started("b")),
            (1, log("a", "of a")),
            (1, log("b", "::error::of b")),
            (2, Event::CellFinished(outcomes::built("a", 2_000, true))),
            (40, Event::CellFinished(outcomes::failed("b", outcomes::exit_code()))),
            (41, Event::Cancelling),
        ];
        insta::assert_snapshot!(shown(&events, 42));
    }

    #[test]
    fn a_cell_with_much_output_keeps_its_first_and_last_lines() {
        let mut lines = Lines::default();
        for number in 0..200_000 {
            lines.add(format!("line {number}\n").into_bytes());
        }
        assert!(lines.first.len() <= FIRST && lines.bytes <= LAST);
        let mut out = Vec::new();
        lines.write("v1", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("line 0\nline 1\n") && text.ends_with("line 199999\n"));
        let printed = text.lines().filter(|line| line.starts_with("line ")).count();
        assert_eq!(printed + lines.left_out, 200_000);
        assert!(text.contains("lines left out; `onebuild logs v1` prints all)"), "{}", text.len());
    }
}
