//! Which side broke a transfer. BuildKit repeats our own messages in the error of the solve, so its
//! message does not show which side failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::buildkit::why;

/// Why a transfer ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// This machine could not read or write a file, or refused to.
    #[error("{0}")]
    Here(LocalFault),
    /// BuildKit failed, or the connection to it.
    #[error("{0}")]
    There(String),
}

/// An operation that failed on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFault {
    /// What happened, including the path.
    pub sentence: String,
    /// The directory where it happened; `None` for stdout.
    pub directory: Option<PathBuf>,
    /// The operating system's error kind, if there was one.
    pub kind: Option<io::ErrorKind>,
}

impl fmt::Display for LocalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl LocalFault {
    /// `what` is the problem at `path`.
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

/// The parent directory of `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
