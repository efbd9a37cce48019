//! Text files that a user wrote.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::SourceFile;
use crate::regular;
use crate::text::escaped;

/// Maximum size of a text file that a user wrote.
const MAX_FILE: u64 = 4 << 20;

/// Reads a UTF-8 text file of limited size, without its byte order mark. A pipe or a device is refused
/// immediately, because reading it might never end.
pub(crate) fn text(path: &Path) -> io::Result<SourceFile> {
    bounded(regular::open(path)?, path.display().to_string())
}

/// The same for a Dockerfile, a template or an ignore file. Each of its bytes is kept: its byte order mark,
/// and those that are not UTF-8, [escaped].
pub(crate) fn template_text(path: &Path) -> io::Result<SourceFile> {
    let bytes = limited(regular::open(path)?)?;
    // A text in UTF-16 has zero bytes, and so have programs.
    let text = match bytes.contains(&0) {
        true => decoded(bytes)?,
        false => escaped(bytes),
    };
    Ok(SourceFile::new(path.display().to_string(), text))
}

/// The same without its byte order mark.
pub(crate) fn bytes_text(path: &Path) -> io::Result<SourceFile> {
    let file = template_text(path)?;
    Ok(match file.text().strip_prefix('\u{feff}') {
        Some(text) => SourceFile::new(file.name().clone(), text),
        None => file,
    })
}

/// The same as [`text`] for an open file.
pub(crate) fn bounded(from: impl Read, name: impl Into<Arc<str>>) -> io::Result<SourceFile> {
    let text = decoded(limited(from)?)?;
    Ok(SourceFile::new(name, text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

fn limited(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(wrong(format!("it is larger than {} MiB", MAX_FILE >> 20))),
        false => Ok(bytes),
    }
}

fn decoded(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        wrong(format!("it is not UTF-8 text (line {line}, column {column})"))
    })
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
