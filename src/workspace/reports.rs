//! Files that describe a run.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::targets;
use super::write::{unwritable, whole};
use crate::error::Error;
use crate::input::parent;
use crate::regular;

/// Fails if a file cannot be written at `path`. Creates its directory, and returns the path without links of the
/// file that will be written.
pub(crate) fn check(path: &Path) -> Result<PathBuf, Error> {
    targets::check_flag(path)?;
    let folder = parent(path);
    let checked = match path.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder)),
    };
    let place = checked.and_then(|_| fs::canonicalize(folder));
    // A link is replaced, not followed.
    let place = place.map(|folder| folder.join(path.file_name().unwrap_or_default()));
    place.map_err(|error| unwritable(path, &error))
}

/// Writes a report as a whole.
pub(crate) fn put(path: &Path, text: &str) -> Result<(), Error> {
    whole(path, text.as_bytes()).map_err(|error| unwritable(path, &error))
}

/// The size of a file that is appended to, in bytes. Fails if it cannot be written.
pub(crate) fn appendable(path: &Path) -> Result<u64, Error> {
    let size = appending(path).and_then(|file| file.metadata()).map(|found| found.len());
    size.map_err(|error| unwritable(path, &error))
}

/// Appends to a file.
pub(crate) fn append(path: &Path, text: &str) -> Result<(), Error> {
    let written = appending(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| unwritable(path, &error))
}

fn appending(path: &Path) -> io::Result<File> {
    regular::open_with(File::options().append(true).create(true), path, rustix::fs::OFlags::empty())
}
