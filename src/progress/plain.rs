//! One line per event, prefixed with its cell: for logs, and for many concurrent cells.
//!
//! No line is rewritten later, and nothing depends on a terminal. Each line begins with the time
//! since the start: a service that runs a build adds its own clock. `grep ' name '` shows one cell.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use super::activity::{activity, retrying, step_time, waiting};
use super::cells::{Cells, headline};
use super::display::Display;
use crate::cell_name::CellName;
use crate::event::{CellSummary, Event, Step, StepId, StepState, Transfer, Wait, Warning};
use crate::outcome::{Built, CellResult, Outcome, SmokeResult};
use crate::report::failed_line;
use crate::text::{Paint, bytes, clean, duration, instruction, pad, width};

/// Maximum length of a line of build output.
const LINE: usize = 2_000;
/// Maximum length of an instruction where its step starts, and of a label: a `RUN` may have 30 lines.
const NAME: usize = 160;
const LABEL: usize = 60;
/// How long nothing is printed until the running cells are.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often to check that.
pub(super) const PULSE: Duration = Duration::from_secs(1);
/// Number of running cells in such a line, and the maximum length of what each does.
const RUNNING: usize = 4;
const ACTIVITY: usize = 80;
/// BuildKit's internal steps are reported as done only if they took this long: most take a few
/// milliseconds, and every cell has a dozen.
const MIN_DURATION: Duration = Duration::from_secs(1);
const MIN_TRANSFER: u64 = 1_000_000;

/// What the first signal does, and what the next Ctrl-C would do.
pub(super) const STOPPING: &str = "stopping: no more cells start, and running cells are cancelled \
    (press Ctrl-C again to quit without cleaning up)";

pub(super) struct Plain<W: Write> {
    out: BufWriter<W>,
    paint: Paint,
    /// Maximum length of a line of build output.
    longest: usize,
    column: usize,
    cells: Cells,
    now: Instant,
    /// When the last line was printed.
    printed: Instant,
    /// The prefix of each step's lines.
    labels: HashMap<(CellName, StepId), String>,
}

impl<W: Write> Plain<W> {
    pub(super) fn new(paint: Paint, out: W) -> Self {
        let now = Instant::now();
        Self {
            out: BufWriter::new(out),
            paint,
            longest: LINE,
            column: 0,
            cells: Cells::default(),
            now,
            printed: now,
            labels: HashMap::new(),
        }
    }

    /// The same with another maximum length of a line of build output.
    pub(super) fn with_longest(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// The output, with everything that was printed.
    pub(super) fn output(&mut self) -> io::Result<&mut W> {
        self.out.flush()?;
        Ok(self.out.get_mut())
    }

    fn line(&mut self, cell: &str, text: &str) -> io::Result<()> {
        let cell = self.paint.quiet(&pad(cell, self.column));
        self.print(&format!("{cell} | {text}"))
    }

    /// Prints a line with the time since the start.
    fn print(&mut self, text: &str) -> io::Result<()> {
        self.printed = self.now;
        let started = self.cells.started.unwrap_or(self.now);
        let time = self.paint.quiet(&clock(self.now.saturating_duration_since(started)));
        writeln!(self.out, "{time} {}", self.paint.shown(text))
    }

    /// Prints what is running, if nothing was printed for some time.
    fn heartbeat(&mut self) -> io::Result<()> {
        let silence = self.now.saturating_duration_since(self.printed);
        if silence < HEARTBEAT || self.cells.active.is_empty() {
            return Ok(());
        }
        for (name, text) in still_running(&self.cells, self.now) {
            self.line(&name, &text)?;
        }
        match running_count(&self.cells) {
            Some(count) => self.print(&count),
            None => Ok(()),
        }
    }

    fn begin(&mut self, cells: &[CellSummary], jobs: usize) -> io::Result<()> {
        self.column = cells.iter().map(|c| width(&c.cell)).max().unwrap_or(0);
        self.printed = self.now;
        writeln!(self.out, "{}", headline(cells, jobs))
    }

    fn step(&mut self, cell: &CellName, step: &Step) -> io::Result<()> {
        let mut name = instruction(&step.name, NAME);
        if let (None, Some(platform)) = (step.position, &step.platform) {
            name += &format!(" ({})", platform.short());
        }
        let label = match place(step) {
            Some(place) => format!("[{place}]"),
            None => format!("[{}]", clean(&name, LABEL)),
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
        self.line(cell, format!("{label} > {}", clean(text, self.longest)).trim())
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
        let text = ended(outcome, &self.cells, self.paint);
        self.line(&outcome.cell, &text)
    }
}

impl<W: Write> Display for Plain<W> {
    fn pulse(&self) -> Option<Duration> {
        Some(PULSE)
    }

    fn event(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        self.now = now;
        self.cells.event(event, now);
        match event {
            Event::RunStarted { cells, jobs } => self.begin(cells, *jobs),
            Event::CellStarted { cell } => self.line(cell, "started"),
            Event::Step { cell, step } => self.step(cell, step),
            Event::Log { cell, step, line } => self.log(cell, *step, line),
            Event::Transfer { cell, step, transfer } => self.transfer(cell, *step, transfer),
            Event::Waiting { cell, step, wait } => self.waiting(cell, *step, wait),
            Event::Answered { .. } => Ok(()),
            Event::Retrying { cell, retry } => self.line(cell, &retrying(retry, Duration::ZERO)),
            Event::Resumed { cell } => self.line(cell, "trying again"),
            Event::Warning { cell, warning } => self.warning(cell, warning),
            Event::CellFinished(outcome) => self.finished(outcome),
            Event::Cancelling => self.print(STOPPING),
        }
    }

    fn dropped(&mut self, lines: usize, now: Instant) -> io::Result<()> {
        self.now = now;
        self.cells.dropped(now);
        let note =
            format!("{lines} lines of build output dropped: writing to this output is too slow");
        let note = self.paint.quiet(&note);
        self.print(&note)
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

/// `pushed in 42s (12/40, 2 failed), 3 of 9 steps cached`: how a cell ended.
pub(super) fn ended(outcome: &Outcome, cells: &Cells, paint: Paint) -> String {
    let time = duration(outcome.elapsed);
    let count = if cells.total > 1 { format!(" ({})", cells.count()) } else { String::new() };
    match &outcome.result {
        CellResult::Built(built) => {
            let word = match built.unverified {
                _ if built.pushed.is_empty() => paint.good("built"),
                None if built.unchanged => paint.good("unchanged"),
                None => paint.good("pushed"),
                Some(_) => paint.warning("pushed, not verified"),
            };
            format!("{word} in {time}{count}{}", built_facts(built))
        }
        CellResult::Failed(failure) => {
            let failed = paint.bad("failed");
            format!("{failed} after {time}{count}: {}", failed_line(failure))
        }
        CellResult::Cancelled => format!("cancelled{count}"),
        CellResult::NotStarted(why) => format!("not started, because {why}{count}"),
    }
}

/// `00:41`, `1:02:41`: with all digits, so that times can be compared.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `still running: amd64 3/9 RUN make (1m10s, no output for 70 s)` for the cells that began first.
pub(super) fn still_running(cells: &Cells, now: Instant) -> Vec<(CellName, String)> {
    let doing = cells.active.iter().take(RUNNING).map(|(name, cell)| {
        let time = step_time(cell, now).map(|time| format!(" ({time})")).unwrap_or_default();
        (
            name.clone(),
            format!("still running: {}{time}", clean(&activity(cell, now, ACTIVITY), ACTIVITY)),
        )
    });
    doing.collect()
}

/// `12/40, 2 failed, 8 running, 20 waiting`; `None` for a single cell.
pub(super) fn running_count(cells: &Cells) -> Option<String> {
    let waiting = match cells.waiting() {
        0 => String::new(),
        waiting => format!(", {waiting} waiting"),
    };
    let running = cells.active.len();
    (cells.total > 1).then(|| format!("{}, {running} running{waiting}", cells.count()))
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
        let every_second = |(second, event): (usize, &Event)| (second as u64, event.clone());
        let events: Vec<_> = events.iter().enumerate().map(every_second).collect();
        let end = events.len() as u64;
        printed(&events, end, Paint { colour, ..Paint::default() })
    }

    /// The output of events at these seconds, and of a pulse every second until `end`.
    fn printed(events: &[(u64, Event)], end: u64, paint: Paint) -> String {
        let mut out = Vec::new();
        samples::show(Plain::new(paint, &mut out), events, end);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_begins_with_the_time_since_the_start() {
        for (seconds, expected) in
            [(0, "00:00"), (41, "00:41"), (3_599, "59:59"), (3_761, "1:02:41")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_heartbeat_says_what_is_running_when_nothing_else_is_printed() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let run = |cell| samples::step(cell, 3, "linux/amd64", "RUN make", StepState::Running);
        let started = |n: &str| (0, samples::cell_started(n));
        let mut events = vec![(0, samples::run_started(&names, 6))];
        events.extend(names[..6].iter().map(|name| started(name)));
        events.push((5, run("a")));
        let log = Event::Log { cell: "a".into(), step: StepId(3), line: "x".to_owned() };
        events.push((20, log));
        for name in &names[..6] {
            let failure = crate::report::samples::exit_code();
            let outcome = crate::report::samples::failed(name, failure);
            events.push((90, Event::CellFinished(outcome)));
        }
        let text = printed(&events, 300, Paint::default());
        let beat = |line: &&str| line.contains("still running") || line.contains(", 6 running");
        let beats: Vec<&str> = text.lines().filter(beat).collect();
        let expected = |time: &str, step: &str| {
            let cells = [
                format!("{time} a | still running: amd64 3/9 RUN make ({step})"),
                format!("{time} b | still running: starting"),
                format!("{time} c | still running: starting"),
                format!("{time} d | still running: starting"),
            ];
            [&cells[..], &[format!("{time} 0/7, 6 running, 1 waiting")]].concat()
        };
        let first = expected("00:50", "45s, no output for 30 s");
        let second = expected("01:20", "1m15s, no output for 60 s");
        assert_eq!(beats, [first, second].concat());
        assert!(text.contains("a | failed after 44s (1/7, 1 failed): exit code 1"), "{text}");
    }

    #[test]
    fn a_long_instruction_is_cut_in_its_step() {
        let long = format!("RUN {}", "make; ".repeat(100));
        let step = |id, state| samples::step("a", id, "linux/amd64", &long, state);
        let mut events = vec![samples::run_started(&["a"], 1), samples::cell_started("a")];
        let done = StepState::Done { took: Duration::from_secs(2) };
        events.extend([step(3, StepState::Running), step(3, done)]);
        let text = shown(&events, false);
        assert!(text.lines().all(|line| width(line) < NAME + 30), "{text}");
        assert_eq!(text.matches("RUN make").count(), 1, "{text}");
    }

    #[test]
    fn a_log_without_utf_8_gets_ascii() {
        let long = format!("RUN {}", "make; ".repeat(100));
        let step = samples::step("a", 3, "linux/amd64", &long, StepState::Running);
        let events =
            [(0, samples::run_started(&["a"], 1)), (0, samples::cell_started("a")), (1, step)];
        let text = printed(&events, 40, Paint { ascii: true, ..Paint::default() });
        assert!(text.is_ascii() && text.contains("make;..."), "{text}");
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
                "00:21 dood-2.0.11-alpine | [exporting to image] waiting for ghcr.io (30 s): pushing layers",
                "00:22 dood-2.0.11-alpine | [exporting to image] waiting for ghcr.io (90 s): pushing layers",
                "00:24 dood-2.0.11-alpine | waiting for the engine (30 s)",
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
