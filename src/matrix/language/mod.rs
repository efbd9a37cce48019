//! The language of matrix.yaml: from the text of its files to a [`Matrix`].

mod check;
mod files;
mod latest;
mod overlay;
mod read;
mod reader;

pub use files::{Files, NeededFile, Sheet};
pub use read::SETTINGS;

use super::model::{Matrix, ResolvedAxes};
use crate::error::{Diagnostics, SourceFile};

impl Matrix {
    /// Reads a matrix that stands in one file alone; all its errors at once.
    pub fn parse(file: SourceFile) -> Result<Self, Diagnostics> {
        Files::new(file)?.merged()?.read(&ResolvedAxes::default())
    }
}
