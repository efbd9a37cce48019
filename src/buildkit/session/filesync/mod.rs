//! FileSync: BuildKit reads folders of ours, as far as it asks for them.
//!
//! A [`FileSync`] offers folders by name. What is in a folder is a [`FileSource`]'s matter:
//! [`MemoryFiles`] is one, a folder on disk another. Here is the protocol alone: only what
//! BuildKit asks for is sent, and a file that is no longer what was announced is an error, which
//! reaches BuildKit and whoever asks for [`FileSync::faults`], never a hang.

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

/// Faults past this many are not kept: the first ones tell the story.
const FAULTS: usize = 32;

/// The folders that a session offers; clones share them.
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

/// What happened in a transfer. Notes come from several threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// This many bytes of content were handed to the connection.
    Sent { dir: &'a str, bytes: usize },
    /// All of a file was.
    File { dir: &'a str, path: &'a str },
    /// A transfer broke.
    Failed { dir: &'a str, message: &'a str },
}

/// Why a transfer of ours failed, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the folder.
    pub dir: String,
    pub message: String,
}

impl FileSync {
    pub fn new() -> Self {
        Self::default()
    }

    /// One that tells `observer` of every step.
    pub fn observed(observer: impl Fn(Note<'_>) + Send + Sync + 'static) -> Self {
        let shared = Shared { observer: Some(Box::new(observer)), ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Offers `source` as `dir`, from now on, in place of what had the name before.
    pub fn offer(&self, dir: impl Into<String>, source: Arc<dyn FileSource>) {
        let mut sources = self.shared.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.insert(dir.into(), source);
    }

    /// What went wrong so far. When a solve fails, these say why in better words than BuildKit.
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
