//! Reads records: of runs that ended, that were killed, and that still run.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Split};
use std::path::{Path, PathBuf};

use super::event::{Cell, Event, Line, RunHead, VERSION};
use super::log::{self, LogReader};
use super::recorded::{Recorded, State, Steps};
use super::run_file::{self, Lock};
use super::run_id::RunId;
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

    /// The record without the states of steps.
    pub(crate) fn read(&self) -> io::Result<Recorded> {
        self.recorded(Steps::Left)
    }

    /// The whole record.
    pub(crate) fn read_with_steps(&self) -> io::Result<Recorded> {
        self.recorded(Steps::Kept)
    }

    fn recorded(&self, steps: Steps) -> io::Result<Recorded> {
        // Before the content: a run that ends in between has its end there.
        let lock = run_file::lock(&self.directory)?;
        let mut lines = self.lines()?;
        let first = lines.next().transpose()?.unwrap_or_default();
        let mut recorded = Recorded::new(self.parsed(&first)?, steps);
        if lock != Lock::Held {
            recorded.state = State::Killed;
        }
        for line in lines {
            let line = line?;
            // Most lines, and a string cannot contain this.
            if steps == Steps::Left && is_step(&line) {
                continue;
            }
            // A type that is not known, and the last line of a run that was killed while it wrote.
            let Ok(line) = serde_json::from_slice::<Line>(&line) else { continue };
            recorded.add(line.time, line.event);
        }
        Ok(recorded)
    }

    /// The log of a cell.
    pub(crate) fn log(&self, cell: &str) -> LogReader {
        LogReader::new(log::path(&self.directory.join(log::LOGS), cell))
    }
}

fn is_step(line: &[u8]) -> bool {
    line[..line.len().min(STEP_IN)].windows(STEP.len()).any(|part| part == STEP)
}
