//! The language of matrix.yaml: parses its files into a [`Matrix`].

mod check;
mod deprecated;
mod examples;
mod files;
mod foreign;
mod latest;
mod other_format;
mod overlay;
mod read;
mod reader;
mod required;

pub(crate) use read::SETTINGS;

pub(crate) use files::{Files, Sheet};

use super::model::{Matrix, ResolvedAxes};
use crate::error::{Diagnostics, SourceFile};

impl Matrix {
    /// Reads a matrix that is in one file; reports all errors at once.
    pub fn parse(file: SourceFile) -> Result<Self, Diagnostics> {
        Files::new(file)?.merged()?.read(&ResolvedAxes::default())
    }
}
