//! Content: BuildKit reads and writes `type=local` caches in directories of this machine.
//!
//! A directory is offered to one solve under a random name, and accessible to BuildKit until the
//! offer is dropped. BuildKit reads and writes blobs only. index.json records which blob is the
//! cache, and under which tag; [`Layout::put`] updates it when the solve has succeeded. A failed
//! solve therefore leaves only unreferenced blobs.
//!
//! BuildKit's caches use three methods of containerd's content service. The others, which could
//! change and delete existing content, are not implemented.
//!
//! Protocol: <https://github.com/moby/buildkit/tree/master/session/content>

mod blob;
mod disk;
mod index;
mod layout;
pub(in crate::buildkit) mod proto;
mod service;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use disk::Disk;
pub use index::Index;
pub use layout::{Layout, LayoutError};
pub use service::ContentServer;
pub(in crate::buildkit) use service::{INFO, READ};

use super::fault::Fault;
use crate::buildkit::random_id;

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &[service::INFO, service::READ, service::WRITE];

/// The directories that sessions offer; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Content {
    offered: Arc<Mutex<HashMap<String, Arc<Store>>>>,
    disk: Disk,
}

/// A directory that BuildKit can access until this is dropped.
#[derive(Debug)]
pub struct Offer {
    content: Content,
    id: String,
    store: Arc<Store>,
}

#[derive(Debug)]
struct Store {
    layout: Layout,
    writable: bool,
    fault: Mutex<Option<Fault>>,
    disk: Disk,
}

impl Content {
    /// Offers a directory for reading.
    pub fn read(&self, layout: Layout) -> Offer {
        self.offer(layout, false)
    }

    /// Offers an existing directory for reading and writing.
    pub fn write(&self, layout: Layout) -> Offer {
        self.offer(layout, true)
    }

    fn offer(&self, layout: Layout, writable: bool) -> Offer {
        let (disk, fault) = (self.disk.clone(), Mutex::default());
        let store = Arc::new(Store { layout, writable, fault, disk });
        let id = random_id();
        self.lock().insert(id.clone(), store.clone());
        Offer { content: self.clone(), id, store }
    }

    /// The service to add to a session.
    pub fn service(&self) -> ContentServer {
        ContentServer::new(self.clone())
    }

    /// The disk of these directories. All other code that works in them must use it too.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Store>>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offer {
    /// The name of this directory in a solve: `src` or `dest` of its cache.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn layout(&self) -> &Layout {
        &self.store.layout
    }

    /// The first fault. If it happened on this side, the solve's error only repeats it.
    pub fn fault(&self) -> Option<Fault> {
        self.store.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.content.lock().remove(&self.id);
    }
}
