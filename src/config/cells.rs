//! The cells that a command works on.

use std::path::{Path, PathBuf};

use crate::grants::Grants;
use crate::input::Root;
use crate::matrix::{Overrides, Selection};

/// A matrix, what it may access, and which of its cells are selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CellChoice {
    /// Path of the matrix; `-` if it comes from a pipe.
    pub file: PathBuf,
    /// What `--allow` and the environment grant together.
    pub grants: Grants,
    /// Use the cached values of `from:`.
    pub offline: bool,
    /// Warnings are errors.
    pub strict: bool,
    pub selection: Selection,
    /// Paths are relative to the current directory.
    pub overrides: Overrides,
    /// The first cell or flag that selects cells or replaces a value of the matrix, such as `--only`.
    pub first_flag: Option<String>,
    /// The build arguments without a value whose variables are not set.
    pub unset_args: Vec<String>,
}

impl CellChoice {
    /// All cells of the matrix at `file`, without overrides.
    pub(crate) fn all_of(file: &Path) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// The directory of the matrix.
    pub(crate) fn root(&self) -> Root {
        Root::of(&self.file)
    }
}
