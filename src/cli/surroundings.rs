//! What the meaning of a command line depends on.

use std::ffi::OsString;
use std::path::PathBuf;

use super::axes::AxisFlag;

/// What the meaning of a command line depends on.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The axes of the matrix.
    pub axes: &'a [AxisFlag],
    pub variable: Variable,
    /// Where the matrix is, from what `--file` says.
    pub matrix_file: fn(PathBuf) -> PathBuf,
}

/// Looks up a variable of the environment.
pub type Variable = fn(&str) -> Option<OsString>;

impl Surroundings<'_> {
    /// The value of a variable, if it is valid text.
    pub(super) fn text(&self, name: impl AsRef<str>) -> Option<String> {
        (self.variable)(name.as_ref()).and_then(|value| value.into_string().ok())
    }
}
