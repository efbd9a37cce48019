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
use std::sync::{Arc, PoisonError, RwLock};

use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::FileSyncServer;

pub use memory::MemoryFiles;
pub use source::{FileSource, Filter, Stat, Visit, mode};

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSync/DiffCopy"];

/// The folders that a session offers; clones share them.
#[derive(Clone, Default)]
pub struct FileSync {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    sources: RwLock<HashMap<String, Arc<dyn FileSource>>>,
}

impl FileSync {
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers `source` as `dir`, from now on, in place of what had the name before.
    pub fn offer(&self, dir: impl Into<String>, source: Arc<dyn FileSource>) {
        let mut sources = self.shared.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.insert(dir.into(), source);
    }

    /// The service to add to a session.
    pub fn service(&self) -> FileSyncServer<Self> {
        FileSyncServer::new(self.clone())
    }

    fn source(&self, dir: &str) -> Option<Arc<dyn FileSource>> {
        let sources = self.shared.sources.read().unwrap_or_else(PoisonError::into_inner);
        sources.get(dir).cloned()
    }
}

impl fmt::Debug for FileSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.shared.sources.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("FileSync").field("dirs", &sources.keys().collect::<Vec<_>>()).finish()
    }
}
