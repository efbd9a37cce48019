//! Reads secrets from pipes, terminals and devices: each once, and all at the same time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use super::file::{FileId, content};
use crate::error::why;

/// A value, wiped from memory when it is dropped.
pub(crate) type Value = Zeroizing<Vec<u8>>;

/// The content, or why it could not be read.
type Content = Result<Arc<Value>, PipeError>;

#[derive(Debug, Clone, Error)]
pub(crate) enum PipeError {
    #[error("{0}")]
    Unreadable(Arc<str>),
    #[error("timed out: it did not end within {} s", .0.as_secs())]
    TimedOut(Duration),
}

/// After this long, the run reports what it waits for.
const NOTE_DELAY: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Pipes {
    by_path: HashMap<PathBuf, FileId>,
    reading: HashMap<FileId, (PathBuf, Receiver<io::Result<Value>>)>,
    read: HashMap<FileId, Content>,
}

impl Pipes {
    /// Starts to read `path`, unless it is already being read under another name.
    pub(crate) fn start(&mut self, path: &Path, file: FileId) {
        self.by_path.insert(path.to_owned(), file);
        self.reading.entry(file).or_insert_with(|| {
            let (sender, receiver) = channel();
            let from = path.to_owned();
            // Opening a pipe blocks until there is a writer, and cannot be cancelled. A blocked thread
            // does not keep the process from exiting.
            std::thread::spawn(move || {
                let _ = sender.send(File::open(&from).and_then(content).map(Zeroizing::new));
            });
            (path.to_owned(), receiver)
        });
    }

    /// Waits for all of them.
    pub(crate) fn wait(&mut self, timeout: Duration, note: &mut dyn FnMut(&str)) {
        let started = Instant::now();
        for (file, (path, receiver)) in std::mem::take(&mut self.reading) {
            let left = || timeout.saturating_sub(started.elapsed());
            let mut received = receiver.recv_timeout(left().min(NOTE_DELAY));
            if received.is_err() && !left().is_zero() {
                note(&format!("waiting for a secret from {}", path.display()));
                received = receiver.recv_timeout(left());
            }
            let content = match received {
                Ok(Ok(content)) => Ok(Arc::new(content)),
                Ok(Err(error)) => Err(PipeError::Unreadable(why(&error).into())),
                Err(RecvTimeoutError::Timeout) => Err(PipeError::TimedOut(timeout)),
                Err(RecvTimeoutError::Disconnected) => {
                    Err(PipeError::Unreadable("the thread that read it ended".into()))
                }
            };
            self.read.insert(file, content);
        }
    }

    /// The content of `path`.
    pub(crate) fn content(&self, path: &Path) -> Content {
        let read = self.by_path.get(path).and_then(|file| self.read.get(file));
        read.cloned().unwrap_or_else(|| Err(PipeError::Unreadable("it was not read".into())))
    }

    /// Everything that was read.
    pub(crate) fn into_contents(self) -> HashMap<PathBuf, Arc<Value>> {
        let content = |(path, file): (PathBuf, FileId)| {
            let content = self.read.get(&file)?.as_ref().ok()?;
            Some((path, content.clone()))
        };
        self.by_path.into_iter().filter_map(content).collect()
    }
}
