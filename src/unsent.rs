//! Files and directories of this program that no build context contains: the debug log and the records of
//! runs. They grow while a context is sent, and must not be in an image.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{PoisonError, RwLock};

/// Device and inode of each. There are a few of them at most.
static UNSENT: RwLock<Vec<(u64, u64)>> = RwLock::new(Vec::new());

/// Keeps a file, or a directory with everything in it, out of contexts from now on.
pub(crate) fn add(found: &Metadata) {
    UNSENT.write().unwrap_or_else(PoisonError::into_inner).push((found.dev(), found.ino()));
}

/// Whether it is one of these.
pub(crate) fn contains(device: u64, inode: u64) -> bool {
    UNSENT.read().unwrap_or_else(PoisonError::into_inner).contains(&(device, inode))
}
