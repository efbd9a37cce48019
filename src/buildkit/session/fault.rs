//! Which side broke a transfer. BuildKit passes our own words back in the error of the solve, so its text
//! does not tell.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::buildkit::why;

/// What ended a transfer early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This machine could not read or write a file, or refuses to.
    #[error("{0}")]
    Here(LocalFault),
    /// BuildKit, or the connection to it.
    #[error("{0}")]
    There(String),
}

/// What this machine could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFault {
    /// What happened, with the path.
    pub sentence: String,
    /// The directory where it happened; none for stdout.
    pub directory: Option<PathBuf>,
    /// The kind of the operating system's error, where there was one.
    pub kind: Option<io::ErrorKind>,
}

impl fmt::Display for LocalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl LocalFault {
    /// `what` is refused, or wrong, at `path`.
    pub(super) fn at(path: &Path, what: impl fmt::Display) -> Self {
        let sentence = format!("{}: {what}", path.display());
        Self { sentence, directory: Some(parent(path).to_owned()), kind: None }
    }

    /// The file at `path` could not be written.
    pub(super) fn unwritten(path: &Path, error: &io::Error) -> Self {
        let what = format_args!("it could not be written: {}", why(error));
        Self { kind: Some(error.kind()), ..Self::at(path, what) }
    }
}

/// The directory that `path` is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
