//! Pipes, terminals and devices that secrets are read from, each once and all at the same time.

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

/// What was read, or why it was not.
type Content = Result<Arc<Value>, PipeError>;

#[derive(Debug, Clone, Error)]
pub(crate) enum PipeError {
    #[error("{0}")]
    Unreadable(Arc<str>),
    #[error("it did not end within {} s", .0.as_secs())]
    Silent(Duration),
}

/// After this long the run says what it waits for.
const PATIENT: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct Pipes {
    by_path: HashMap<PathBuf, FileId>,
    reading: HashMap<FileId, (PathBuf, Receiver<io::Result<Value>>)>,
    read: HashMap<FileId, Content>,
}

impl Pipes {
    /// Begins to read `path`, unless it is being read under another name.
    pub(crate) fn start(&mut self, path: &Path, file: FileId) {
        self.by_path.insert(path.to_owned(), file);
        self.reading.entry(file).or_insert_with(|| {
            let (sender, receiver) = channel();
            let from = path.to_owned();
            // Opening a pipe waits for its writer, and nothing ends that but the process. A thread
            // that still waits does not hold the process.
            std::thread::spawn(move || {
                let _ = sender.send(File::open(&from).and_then(content).map(Zeroizing::new));
            });
            (path.to_owned(), receiver)
        });
    }

    /// Waits for all of them together.
    pub(crate) fn wait(&mut self, patience: Duration, note: &mut dyn FnMut(&str)) {
        let started = Instant::now();
        for (file, (path, receiver)) in std::mem::take(&mut self.reading) {
            let left = || patience.saturating_sub(started.elapsed());
            let mut received = receiver.recv_timeout(left().min(PATIENT));
            if received.is_err() && !left().is_zero() {
                note(&format!("waiting for a secret from {}", path.display()));
                received = receiver.recv_timeout(left());
            }
            let content = match received {
                Ok(Ok(content)) => Ok(Arc::new(content)),
                Ok(Err(error)) => Err(PipeError::Unreadable(why(&error).into())),
                Err(RecvTimeoutError::Timeout) => Err(PipeError::Silent(patience)),
                Err(RecvTimeoutError::Disconnected) => {
                    Err(PipeError::Unreadable("the thread that read it ended".into()))
                }
            };
            self.read.insert(file, content);
        }
    }

    /// What `path` gave.
    pub(crate) fn content(&self, path: &Path) -> Content {
        let read = self.by_path.get(path).and_then(|file| self.read.get(file));
        read.cloned().unwrap_or_else(|| Err(PipeError::Unreadable("it was not read".into())))
    }

    /// All that was read.
    pub(crate) fn into_contents(self) -> HashMap<PathBuf, Arc<Value>> {
        let content = |(path, file): (PathBuf, FileId)| {
            let content = self.read.get(&file)?.as_ref().ok()?;
            Some((path, content.clone()))
        };
        self.by_path.into_iter().filter_map(content).collect()
    }
}
