//! Reads records: of runs that ended, that were killed, and that still run.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Split};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::event::{Cell, CellFinished, Event, Line, RunFinished, RunHead, Totals, VERSION};
use super::log::{self, LogReader};
use super::run_file::{self, Lock};
use super::run_id::RunId;
use super::timestamp::Timestamp;
use crate::regular;

/// What every line about the state of a step has, and how far from its start.
const STEP: &[u8] = br#""type":"step""#;
const STEP_IN: usize = 80;

/// Larger than any first line: a command line has a limit, too.
const LONGEST_HEAD: u64 = 8 << 20;

/// The directory of a recorded run.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: RunId,
    pub(crate) directory: PathBuf,
}

/// The recorded runs below `place`, newest first. There are none if there is no such directory.
pub(crate) fn entries(place: &Path) -> io::Result<Vec<Entry>> {
    let listed = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(id) = id.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            entries.push(Entry { id, directory: entry.path() });
        }
    }
    entries.sort_by(|one, other| other.id.cmp(&one.id));
    Ok(entries)
}

impl Entry {
    /// The first line of the record.
    pub(crate) fn head(&self) -> io::Result<RunHead> {
        self.parsed(&self.first_line()?)
    }

    pub(super) fn first_line(&self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let file = regular::open(&run_file::path(&self.directory))?;
        BufReader::new(file.take(LONGEST_HEAD)).read_until(b'\n', &mut line)?;
        Ok(line)
    }

    fn parsed(&self, line: &[u8]) -> io::Result<RunHead> {
        #[derive(serde::Deserialize)]
        struct Version {
            version: u32,
        }
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        match serde_json::from_slice(line) {
            Ok(Version { version: VERSION }) => {}
            Ok(Version { version }) => {
                return Err(wrong(format!(
                    "it has version {version} of the format, not {VERSION}"
                )));
            }
            Err(_) => return Err(wrong("its first line is not that of a record".to_owned())),
        }
        let head: RunHead =
            serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        match head.id == self.id {
            true => Ok(head),
            false => Err(wrong(format!("it is the record of {}", head.id))),
        }
    }

    /// Whether a process holds its lock.
    pub(super) fn is_running(&self) -> bool {
        matches!(run_file::lock(&self.directory), Ok(Lock::Held))
    }

    /// The beginning of the record: the run, and its cells, which precede everything else.
    pub(super) fn beginning(&self) -> io::Result<(RunHead, Vec<Cell>)> {
        let mut lines = self.lines()?;
        let head = self.parsed(&lines.next().transpose()?.unwrap_or_default())?;
        let mut cells = Vec::new();
        for line in lines {
            match serde_json::from_slice(&line?) {
                Ok(Line { event: Event::Cell(cell), .. }) => cells.push(cell),
                _ => break,
            }
        }
        Ok((head, cells))
    }

    fn lines(&self) -> io::Result<Split<BufReader<File>>> {
        Ok(BufReader::new(regular::open(&run_file::path(&self.directory))?).split(b'\n'))
    }

    /// The whole record, without the states of steps.
    pub(crate) fn read(&self) -> io::Result<Recorded> {
        // Before the content: a run that ends in between has its end there.
        let lock = run_file::lock(&self.directory)?;
        let mut lines = self.lines()?;
        let first = lines.next().transpose()?.unwrap_or_default();
        let mut recorded = Recorded {
            head: self.parsed(&first)?,
            entry: self.clone(),
            cells: IndexMap::new(),
            last: Timestamp::default(),
            is_cancelling: false,
            state: if lock == Lock::Held { State::Running } else { State::Killed },
        };
        recorded.last = recorded.head.time;
        for line in lines {
            let line = line?;
            // Most lines, and a string cannot contain this.
            if is_step(&line) {
                continue;
            }
            // A type that is not known, and the last line of a run that was killed while it wrote.
            let Ok(line) = serde_json::from_slice::<Line>(&line) else { continue };
            recorded.add(line);
        }
        Ok(recorded)
    }
}

fn is_step(line: &[u8]) -> bool {
    line[..line.len().min(STEP_IN)].windows(STEP.len()).any(|part| part == STEP)
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    Running,
    Ended(RunFinished),
    /// The record has no end, and nothing writes it.
    Killed,
}

/// What is recorded of a run.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) head: RunHead,
    pub(crate) entry: Entry,
    pub(crate) cells: IndexMap<String, RecordedCell>,
    /// The time of the last line.
    pub(crate) last: Timestamp,
    /// The user asked it to stop.
    pub(crate) is_cancelling: bool,
    pub(crate) state: State,
}

/// What is recorded of a cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordedCell {
    pub(crate) cell: Cell,
    pub(crate) has_started: bool,
    pub(crate) finished: Option<CellFinished>,
}

impl Recorded {
    fn add(&mut self, line: Line) {
        self.last = self.last.max(line.time);
        match line.event {
            Event::Cell(cell) => {
                let known = RecordedCell { cell: cell.clone(), ..RecordedCell::default() };
                self.cells.insert(cell.cell, known);
            }
            Event::CellStarted { cell } => {
                self.cells.entry(cell).or_default().has_started = true;
            }
            Event::CellFinished(finished) => {
                let cell = self.cells.entry(finished.cell.clone()).or_default();
                cell.finished = Some(finished);
            }
            Event::Cancelling => self.is_cancelling = true,
            Event::RunFinished(end) => self.state = State::Ended(end),
            Event::Step(_)
            | Event::Warning { .. }
            | Event::Waiting { .. }
            | Event::Answered { .. }
            | Event::Retrying(_)
            | Event::Resumed { .. } => {}
        }
    }

    /// The numbers of cells, so far or at the end.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals { cells: self.cells.len(), ..Totals::default() };
        for finished in self.cells.values().filter_map(|cell| cell.finished.as_ref()) {
            totals.add(&finished.result);
        }
        totals
    }

    /// The log of a cell.
    pub(crate) fn log(&self, cell: &str) -> LogReader {
        LogReader::new(log::path(&self.entry.directory.join(log::LOGS), cell))
    }
}
