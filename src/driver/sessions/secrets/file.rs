//! Files that contain secrets.

use std::fs::File;
use std::io::{self, Read as _};

use crate::buildkit::session::MAX_SECRET;

/// Device and inode: one pipe may have several names.
pub(crate) type FileId = (u64, u64);

/// The content of a secret's file. Reads at most one byte more than allowed, which is enough to reject
/// it.
pub(crate) fn content(file: File) -> io::Result<Vec<u8>> {
    // The maximum capacity, so that no part stays in memory after a reallocation.
    let mut content = Vec::with_capacity(MAX_SECRET + 1);
    file.take(MAX_SECRET as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}
