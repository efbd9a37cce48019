//! Directories that BuildKit can access.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::fault::Fault;
use super::disk::Disk;
use super::layout::Layout;
use crate::buildkit::random_id;

const CACHE: &str = "cache";

/// The directories that sessions offer; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    offered: Arc<Mutex<HashMap<String, Arc<Store>>>>,
    disk: Disk,
}

/// A directory that BuildKit can access until this is dropped.
#[derive(Debug)]
pub(crate) struct Offer {
    content: Content,
    id: String,
    pub(super) store: Arc<Store>,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) layout: Layout,
    pub(super) writable: bool,
    /// For errors: what is in the directory.
    pub(super) what: &'static str,
    pub(super) fault: Mutex<Option<Fault>>,
    pub(super) disk: Disk,
}

impl Content {
    /// Offers a directory for reading.
    pub(crate) fn read(&self, layout: Layout) -> Offer {
        self.offer(layout, false, CACHE)
    }

    /// The same for images.
    pub(crate) fn images(&self, layout: Layout) -> Offer {
        self.offer(layout, false, "image layout")
    }

    /// Offers an existing directory for reading and writing.
    pub(crate) fn write(&self, layout: Layout) -> Offer {
        self.offer(layout, true, CACHE)
    }

    fn offer(&self, layout: Layout, writable: bool, what: &'static str) -> Offer {
        let (disk, fault) = (self.disk.clone(), Mutex::default());
        let store = Arc::new(Store { layout, writable, what, fault, disk });
        let id = random_id();
        self.lock().insert(id.clone(), store.clone());
        Offer { content: self.clone(), id, store }
    }

    /// The disk of these directories. All other code that works in them must use it too.
    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Store>>> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offer {
    /// The name of this directory in a solve: `src` or `dest` of its cache.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.store.layout
    }

    /// The first fault. If it happened on this side, the solve's error only repeats it.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.store.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        self.content.lock().remove(&self.id);
    }
}
