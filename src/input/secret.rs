//! Secrets, as they are named. The value itself is nowhere in a matrix, a cell or a request.

use std::fmt;
use std::path::PathBuf;

use crate::error::Span;

/// A secret of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub source: SecretSource,
    /// Whether the build does without it where its source is missing.
    pub optional: bool,
    /// Where the matrix names it; nothing if a flag does.
    pub span: Option<Span>,
}

/// Where the value of a secret is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretSource {
    File(PathBuf),
    Variable(String),
}

/// One that must be there.
impl From<SecretSource> for Secret {
    fn from(source: SecretSource) -> Self {
        Self { source, optional: false, span: None }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = if self.optional { ", optional" } else { "" };
        write!(f, "{}{optional}", self.source)
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}
