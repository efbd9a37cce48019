//! The files that secrets are read from.

use std::fs::File;
use std::io::{self, Read as _};

use crate::buildkit::session::MAX_SECRET;

/// Device and inode: one pipe may have several names.
pub(crate) type FileId = (u64, u64);

/// The content of a secret's file; one byte beyond what is allowed is enough to refuse it.
pub(crate) fn content(file: File) -> io::Result<Vec<u8>> {
    // As much as is ever needed, so that no part is left behind in memory when it grows.
    let mut content = Vec::with_capacity(MAX_SECRET + 1);
    file.take(MAX_SECRET as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}
