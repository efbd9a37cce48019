//! Which old records are removed.

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::event::RunFinished;
use super::log::LOGS;
use super::reader::{Entry, entries};
use super::recorded::State;
use super::run_file::{self, Lock};
use super::run_id::RunId;
use super::timestamp::Timestamp;
use crate::input::ByteSize;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;

/// What is kept. A run that is outside of one of the limits is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Number of runs.
    pub(crate) runs: usize,
    /// Since a run started.
    pub(crate) age: Duration,
    /// Bytes of all runs.
    pub(crate) size: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs: 20, age: DAY * 30, size: 1 << 30 }
    }
}

/// A list such as `50,90d,5g`: a number of runs, of days, and a size. What it leaves out has its default.
impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut kept = Self::default();
        for part in text.split(',').map(str::trim) {
            let wrong =
                || format!("`{part}` is not a number of runs (50), of days (90d) or a size (5g)");
            let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
            if let Some(days) = part.strip_suffix(['d', 'D']) {
                kept.age = DAY * number(days).ok_or_else(wrong)?;
            } else if part.bytes().all(|byte| byte.is_ascii_digit()) {
                kept.runs = number(part).ok_or_else(wrong)? as usize;
            } else {
                let size: ByteSize = part.parse().map_err(|_| wrong())?;
                kept.size = size.0;
            }
        }
        Ok(kept)
    }
}

impl Retention {
    /// Removes old records below `place`. `own` is the run that does it. A record that cannot be removed stays.
    pub(super) fn apply(&self, place: &Path, own: &RunId, now: Timestamp) -> io::Result<()> {
        let (mut runs, mut size) = (0, 0_u64);
        for entry in entries(place)? {
            let is_own = entry.id == *own;
            // Whatever else is there is not ours.
            let Some(time) = started(&entry) else { continue };
            runs += 1;
            size = size.saturating_add(size_of(&entry.directory));
            let is_old = runs > self.runs || size > self.size || now.since(time) > self.age;
            if is_old && !is_own && has_ended(&entry) {
                let _ = remove(&entry.directory);
            }
        }
        Ok(())
    }
}

/// Removes directories of runs that were killed while they created or removed a record. No other run may
/// create one meanwhile.
pub(super) fn remove_unfinished(place: &Path) -> io::Result<()> {
    for Entry { directory, .. } in entries(place)? {
        if !matches!(run_file::path(&directory).try_exists(), Ok(false)) {
            continue;
        }
        let _ = fs::remove_file(run_file::unfinished(&directory));
        // Neither is removed if anything else is in it.
        let _ = fs::remove_dir(directory.join(LOGS));
        let _ = fs::remove_dir(directory);
    }
    Ok(())
}

/// When the run of a record of ours started, whichever version of the format it has.
fn started(entry: &Entry) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct AnyHead {
        #[serde(rename = "type")]
        kind: super::event::RunKind,
        id: RunId,
        time: Timestamp,
    }
    let AnyHead { kind: super::event::RunKind::Run, id, time } =
        serde_json::from_slice(&entry.first_line().ok()?).ok()?;
    (id == entry.id).then_some(time)
}

fn has_ended(entry: &Entry) -> bool {
    match run_file::lock(&entry.directory) {
        Ok(Lock::Free) => true,
        Ok(Lock::Held) | Err(_) => false,
        Ok(Lock::Unknown) => {
            entry.read().is_ok_and(|run| matches!(run.state, State::Ended(RunFinished { .. })))
        }
    }
}

/// The bytes of the files in a directory of a run.
fn size_of(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files.fold(0, |size, file| {
        let bytes = match file.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&file.path()),
            _ => file.metadata().map_or(0, |found| found.len()),
        };
        size.saturating_add(bytes)
    })
}

/// The file that makes it a record goes last, so that the rest is found again if this is interrupted.
fn remove(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if path == run_file::path(directory) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    fs::remove_dir_all(directory)
}
