//! Text files that a user wrote.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::SourceFile;
use crate::regular;

/// Maximum size of a text file that a user wrote.
const MAX_FILE: u64 = 4 << 20;

/// Reads a UTF-8 text file of limited size, without its byte order mark. A pipe or a device is refused
/// immediately, because reading it might never end.
pub(crate) fn text(path: &Path) -> io::Result<SourceFile> {
    bounded(regular::open(path)?, path.display().to_string())
}

/// The same for a template, whose byte order mark is part of what it renders.
pub(crate) fn template_text(path: &Path) -> io::Result<SourceFile> {
    decoded(regular::open(path)?, path.display().to_string())
}

/// The same as [`text`] for an open file.
pub(crate) fn bounded(from: impl Read, name: impl Into<Arc<str>>) -> io::Result<SourceFile> {
    let file = decoded(from, name)?;
    Ok(match file.text().strip_prefix('\u{feff}') {
        Some(text) => SourceFile::new(file.name().clone(), text),
        None => file,
    })
}

fn decoded(from: impl Read, name: impl Into<Arc<str>>) -> io::Result<SourceFile> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(wrong(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        wrong(format!("it is not UTF-8 text (line {line})"))
    })?;
    Ok(SourceFile::new(name, text))
}

/// The error for content that is not such a text, as opposed to a file that cannot be read.
fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Fails if `path` is outside `folder`, directly or through a link. `place` describes `folder` in the error.
pub(crate) fn inside(path: &Path, folder: &Path, place: &str) -> io::Result<()> {
    let folder: PathBuf = folder.canonicalize()?;
    let path = path.canonicalize()?;
    if path.starts_with(&folder) {
        return Ok(());
    }
    Err(io::Error::other(format!("it is outside the {place}")))
}
