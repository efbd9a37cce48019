//! `run.jsonl`: written by the run, which holds a lock on it until its end.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::event::{Event, Line, RunHead};
use super::timestamp::Timestamp;
use crate::regular;

/// More waiting bytes than this are written at once.
const BUFFER: usize = 64 << 10;

/// The file in the directory of a run.
pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("run.jsonl")
}

/// The same file until it has its beginning. A directory without the other one is no record yet.
pub(super) fn unfinished(directory: &Path) -> PathBuf {
    directory.join("run.jsonl.new")
}

/// The file of a run, while it is written.
pub(super) struct RunFile {
    file: File,
    waiting: Vec<u8>,
    seq: u64,
}

impl RunFile {
    /// Creates and locks the file in `directory`. The kernel releases the lock when the process ends.
    /// [`begun`](Self::begun) makes it a record.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let file = File::options()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(unfinished(directory))?;
        // Without a lock, another run cannot know that this one is running. It is recorded all the same.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        Ok(Self { file, waiting: Vec::new(), seq: 0 })
    }

    /// Adds the first line.
    pub(super) fn head(&mut self, head: &RunHead) -> io::Result<()> {
        serde_json::to_writer(&mut self.waiting, head)?;
        self.waiting.push(b'\n');
        Ok(())
    }

    /// Writes the beginning, and gives the file in `directory` its name. Other runs read it from now on.
    pub(super) fn begun(&mut self, directory: &Path) -> io::Result<()> {
        self.flush()?;
        fs::rename(unfinished(directory), path(directory))
    }

    /// Adds a line.
    pub(super) fn event(&mut self, time: Timestamp, event: Event) -> io::Result<()> {
        self.seq += 1;
        serde_json::to_writer(&mut self.waiting, &Line { seq: self.seq, time, event })?;
        self.waiting.push(b'\n');
        if self.waiting.len() < BUFFER { Ok(()) } else { self.flush() }
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// The same, and waits until it is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        match self.file.metadata()?.nlink() {
            0 => Err(io::Error::new(io::ErrorKind::NotFound, "it was removed")),
            _ => self.file.sync_data(),
        }
    }
}

/// Whether the run that writes a file still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Held,
    Free,
    /// The file system has no such locks.
    Unknown,
}

/// The lock on the file in `directory`.
pub(super) fn lock(directory: &Path) -> io::Result<Lock> {
    // It is shared, so two programs that look at once do not take each other for the run.
    let file = regular::open(&path(directory))?;
    Ok(match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Lock::Free,
        Err(Errno::WOULDBLOCK) => Lock::Held,
        Err(_) => Lock::Unknown,
    })
}
