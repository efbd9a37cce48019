//! FileSync: BuildKit reads the client's directories, as far as it needs them.
//!
//! A [`FileSync`] offers directories by name. A [`FileSource`] provides the entries of a directory:
//! [`MemoryFiles`] is one, a directory on disk another. This module only implements the protocol:
//! only what BuildKit requests is sent. If a file differs from its announcement, that is an error,
//! which BuildKit receives; it never hangs.

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

pub(crate) use memory::MemoryFiles;
pub(crate) use source::{FileSource, Filter, Stat, Visit, mode};

/// The methods of this service that a session announces.
pub(crate) const METHODS: &[&str] = &["/moby.filesync.v1.FileSync/DiffCopy"];

/// The directories that a session offers; clones share them.
#[derive(Clone, Default)]
pub(crate) struct FileSync {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    sources: RwLock<HashMap<String, Arc<dyn FileSource>>>,
}

impl FileSync {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Offers `source` as `dir`, and replaces a previous source of this name.
    pub(crate) fn offer(&self, dir: impl Into<String>, source: Arc<dyn FileSource>) {
        let mut sources = self.shared.sources.write().unwrap_or_else(PoisonError::into_inner);
        sources.insert(dir.into(), source);
    }

    /// The service to add to a session.
    pub(crate) fn service(&self) -> FileSyncServer<Self> {
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
