//! A terminal: finished cells scroll by, running cells are redrawn below them.

use std::io::{self, BufWriter, Write};
use std::mem::take;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cells::{Cells, headline};
use super::display::Display;
use super::frame::frame;
use super::region::Region;
use super::settings::{DisplaySettings, Size};
use crate::event::{CellSummary, Event, Warning};
use crate::outcome::{CellResult, Outcome};
use crate::report::Columns;
use crate::text::clean;

/// The redraw interval: short enough for the spinner, long enough for a slow connection.
const PULSE: Duration = Duration::from_millis(100);
/// For a terminal that does not report its size.
const UNKNOWN: Size = Size { columns: 80, rows: 24 };

pub(super) struct Tty<W: Write> {
    region: Region<BufWriter<W>>,
    settings: DisplaySettings,
    cells: Cells,
    summaries: Arc<[CellSummary]>,
    /// Lines that have not been printed yet.
    above: Vec<String>,
    /// Warnings that were shown: cells of one template have the same warnings.
    warned: Vec<Warning>,
    drawn: Option<Instant>,
}

impl<W: Write> Tty<W> {
    pub(super) fn new(settings: DisplaySettings, out: W) -> Self {
        Self {
            region: Region::new(BufWriter::new(out)),
            settings,
            cells: Cells::default(),
            summaries: [].into(),
            above: Vec::new(),
            warned: Vec::new(),
            drawn: None,
        }
    }

    fn size(&self) -> Size {
        (self.settings.size)().unwrap_or(UNKNOWN)
    }

    /// Computed for every line, because the window may have been resized.
    fn columns(&self) -> Columns {
        let cells = self.summaries.iter().map(|c| (c.cell.as_ref(), c.platforms.as_slice()));
        Columns::new(cells, Some(self.size().columns), self.settings.paint)
    }

    fn finished(&mut self, outcome: &Outcome) {
        // Cells that never left the queue are only counted: after Ctrl-C there may be hundreds.
        let never_started =
            matches!(outcome.result, CellResult::NotStarted(_) | CellResult::Cancelled)
                && outcome.elapsed.is_zero();
        if !never_started {
            let row = self.columns().row(outcome);
            self.above.push(row);
        }
    }

    /// Prints the lines above, and `lines` below them.
    fn draw(&mut self, lines: &[String], size: Size) -> io::Result<()> {
        let paint = self.settings.paint;
        let shown = |line: &String| paint.shown(line).into_owned();
        let above: Vec<String> = take(&mut self.above).iter().map(shown).collect();
        let lines: Vec<String> = lines.iter().map(shown).collect();
        self.region.draw(&above, &lines, size)
    }

    fn warning(&mut self, cell: &str, warning: &Warning) {
        if self.warned.contains(warning) {
            return;
        }
        self.warned.push(warning.clone());
        let place = warning.place().map(|place| format!("{place}: ")).unwrap_or_default();
        let text = clean(&format!("{cell}: {place}{}", warning.message), 400);
        self.above.push(format!(" {} {text}", self.settings.paint.warning("! warning:")));
    }
}

impl<W: Write> Display for Tty<W> {
    fn pulse(&self) -> Option<Duration> {
        Some(PULSE)
    }

    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        self.cells.event(event, now);
        match event {
            Event::RunStarted { cells, jobs } => {
                self.summaries = cells.clone();
                let header = self.columns().header();
                self.above.extend([headline(cells, *jobs), String::new(), header]);
            }
            Event::CellFinished(outcome) => self.finished(outcome),
            Event::Warning { cell, warning } => self.warning(cell, warning),
            _ => {}
        }
        Ok(())
    }

    fn dropped(&mut self, _: usize, now: Instant) -> io::Result<()> {
        self.cells.dropped(now);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        let fresh = self.drawn.is_some_and(|drawn| now.duration_since(drawn) < PULSE);
        if fresh && self.above.is_empty() {
            return Ok(());
        }
        self.drawn = Some(now);
        let size = self.size();
        let lines = frame(&self.cells, now, size, self.settings.paint);
        self.draw(&lines, size)
    }

    fn end(&mut self) -> io::Result<()> {
        self.above.push(String::new());
        self.draw(&[], self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::cells::samples;
    use crate::progress::settings::Mode;
    use crate::text::Paint;

    fn screen(events: &[Event], end: bool) -> vt100::Parser {
        let size = || Some(Size { columns: 80, rows: 24 });
        let paint = Paint { colour: true, ..Paint::default() };
        let settings =
            DisplaySettings { mode: Mode::Tty, paint, is_terminal: true, is_github: false, size };
        let mut out = Vec::new();
        let mut tty = Tty::new(settings, &mut out);
        let start = Instant::now();
        for (second, event) in (0..).zip(events) {
            let now = start + Duration::from_secs(second);
            tty.event(event, now).unwrap();
            tty.flush(now).unwrap();
        }
        if end {
            tty.end().unwrap();
        }
        drop(tty);
        let mut terminal = vt100::Parser::new(24, 80, 100);
        terminal.process(b"$ onebuild matrix --push\r\n");
        terminal.process(&out);
        terminal
    }

    #[test]
    fn a_run_in_progress_is_shown() {
        let events = samples::run();
        insta::assert_snapshot!(screen(&events[..16], false).screen().contents());
    }

    #[test]
    fn a_finished_run_leaves_its_cells_on_the_screen() {
        insta::assert_snapshot!(screen(&samples::run(), true).screen().contents());
    }

    #[test]
    fn a_warning_of_many_cells_is_shown_once() {
        let mut events = samples::run();
        let warning = events.iter().find(|e| matches!(e, Event::Warning { .. })).unwrap().clone();
        events.push(warning);
        let text = screen(&events, true).screen().contents();
        assert_eq!(text.matches("warning:").count(), 1, "{text}");
    }
}
