//! Which runs may push at the same time: not two that write the same tags.
//!
//! The records of the runs themselves say who pushes what, and a run holds a lock on its record. The kernel
//! releases it when the process ends, so a run that was killed blocks no other. A further lock, on one file for
//! all runs, is held only while a run looks at the others and creates its own record.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::record::event::{Cell, RunHead};
use crate::record::reader::entries;

/// The lock on the records below a directory, until it is dropped.
pub(super) struct Turn {
    _file: File,
    /// Whether no other run creates its record meanwhile. A file system without locks cannot ensure that.
    pub(super) is_alone: bool,
}

/// Locks the records below `place`.
pub(super) fn lock(place: &Path) -> io::Result<Turn> {
    let file = File::options().create(true).append(true).mode(0o600).open(place.join(".lock"))?;
    let is_alone = flock(&file, FlockOperation::LockExclusive).is_ok();
    Ok(Turn { _file: file, is_alone })
}

/// A running run that pushes one of the tags of `cells`, and that tag.
pub(super) fn holder(place: &Path, cells: &[Cell]) -> io::Result<Option<(RunHead, String)>> {
    let tags: HashSet<&str> = tags(cells).collect();
    for entry in entries(place)? {
        // One that cannot be read, or was just removed, is no run that pushes.
        if !entry.is_running() {
            continue;
        }
        let Ok((run, cells)) = entry.beginning() else { continue };
        let tag = self::tags(&cells).find(|tag| tags.contains(tag));
        if let Some(tag) = tag.filter(|_| run.pushes) {
            let tag = tag.to_owned();
            return Ok(Some((run, tag)));
        }
    }
    Ok(None)
}

fn tags(cells: &[Cell]) -> impl Iterator<Item = &str> {
    cells.iter().flat_map(|cell| &cell.references).map(String::as_str)
}
