//! References to secrets. No matrix, cell or request contains the value of a secret.

use std::fmt;
use std::path::PathBuf;

use crate::error::Span;

/// A secret of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub source: SecretSource,
    /// Whether the build continues if its source is missing.
    pub optional: bool,
    /// Where the matrix names it; `None` if a flag does.
    pub span: Option<Span>,
}

/// Where the value of a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretSource {
    File(PathBuf),
    Variable(String),
}

/// A required secret.
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
