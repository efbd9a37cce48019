//! The data, besides the arguments, that parsing depends on.

use std::ffi::OsString;
use std::path::PathBuf;

use super::axes::AxisFlag;

/// The data, besides the arguments, that parsing depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The axes of the matrix.
    pub axes: &'a [AxisFlag],
    pub variable: Variable,
    /// The path of the matrix, from the value of `--file` if it is given.
    pub matrix_file: fn(Option<PathBuf>) -> PathBuf,
}

/// Looks up an environment variable.
pub(crate) type Variable = fn(&str) -> Option<OsString>;
