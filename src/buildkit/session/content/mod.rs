//! Content: BuildKit keeps caches of `type=local` in folders of this machine.
//!
//! A folder is offered to one solve under a name that nobody else knows, and is in BuildKit's reach
//! until the offer is dropped. BuildKit reads and writes blobs only; which of them is the cache, by
//! what tag, stands in the folder's index.json, and that is written by [`Layout::put`] when the
//! solve ended well. So a solve that did not leaves blobs that nothing names, and no more.
//!
//! Of containerd's content service BuildKit's caches want three methods; the others, which would
//! let it change and delete what is there, are left out.
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

/// The folders that sessions offer; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Content {
    offered: Arc<Mutex<HashMap<String, Arc<Store>>>>,
    disk: Disk,
}

/// A folder in BuildKit's reach, until this is dropped.
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
    /// Offers a folder to read from.
    pub fn read(&self, layout: Layout) -> Offer {
        self.offer(layout, false)
    }

    /// Offers a folder to write to as well, which must be there.
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

    /// What the folders are on: whoever works there without BuildKit does it through this.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Store>>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offer {
    /// What a solve names this folder by: `src` or `dest` of its cache.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn layout(&self) -> &Layout {
        &self.store.layout
    }

    /// What went wrong. Where it went wrong here, the solve's error only repeats it.
    pub fn fault(&self) -> Option<Fault> {
        self.store.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.content.lock().remove(&self.id);
    }
}
