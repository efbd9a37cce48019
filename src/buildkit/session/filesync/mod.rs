//! FileSync: BuildKit reads the client's directories, as far as it needs them.
//!
//! A [`FileSync`] offers directories by name. A [`FileSource`] provides the entries of a directory:
//! [`MemoryFiles`] is one, a directory on disk another. This module only implements the protocol:
//! only what BuildKit requests is sent. If a file differs from its announcement, that is an error,
//! which BuildKit receives and [`FileSync::faults`] returns; it never hangs.

mod batch;
mod memory;
mod request;
mod service;
mod source;
mod transfer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSyncServer;

pub use memory::{BadPath, MemoryFiles};
pub use source::{FileSource, Filter, Stat, Visit, mode};

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSync/DiffCopy"];

/// Further faults are dropped: the first ones explain the failure.
const FAULTS: usize = 32;

/// The directories that a session offers; clones share them.
#[derive(Clone, Default)]
pub struct FileSync {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    sources: RwLock<HashMap<String, Arc<dyn FileSource>>>,
    faults: Mutex<Vec<Fault>>,
    observer: Option<Box<Observer>>,
}

type Observer = dyn Fn(Note<'_>) + Send + Sync;

/// An event of a transfer, from any thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// This many bytes of content were passed to the connection.
    Sent { dir: &'a str, bytes: usize },
    /// A file was passed completely.
    File { dir: &'a str, path: &'a str },
    /// A transfer failed.
    Failed { dir: &'a str, message: &'a str },
}

/// Why a transfer failed, as a message for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the directory.
    pub dir: String,
    pub message: String,
}

impl FileSync {
    pub fn new() -> Self {
        Self::default()
    }

    /// Like `new`, but reports every event to `observer`.
    pub fn observed(observer: impl Fn(Note<'_>) + Send + Sync + 'static) -> Self {
        let shared = Shared { observer: Some(Box::new(observer)), ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Offers `source` as `dir`, and replaces a previous source of this name.
    pub fn offer(&self, dir: impl Into<String>, source: Arc<dyn FileSource>) {
        let mut sources = self.shared.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.insert(dir.into(), source);
    }

    /// The faults so far. When a solve fails, they explain it better than BuildKit's error.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The service to add to a session.
    pub fn service(&self) -> FileSyncServer<Self> {
        FileSyncServer::new(self.clone())
    }

    fn source(&self, dir: &str) -> Option<Arc<dyn FileSource>> {
        let sources = self.shared.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.get(dir).cloned()
    }

    fn note(&self, note: Note<'_>) {
        if let Some(observer) = &self.shared.observer {
            observer(note);
        }
    }

    fn fault(&self, dir: &str, message: &str) {
        self.note(Note::Failed { dir, message });
        let fault = Fault { dir: dir.to_owned(), message: message.to_owned() };
        let mut faults = self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < FAULTS && !faults.contains(&fault) {
            faults.push(fault);
        }
    }
}

impl fmt::Debug for FileSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.shared.sources.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("FileSync").field("dirs", &sources.keys().collect::<Vec<_>>()).finish()
    }
}
