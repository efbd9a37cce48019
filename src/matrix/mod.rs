//! The matrix of a matrix.yaml, its cells, and their selection. Pure.
//!
//! | layer | content |
//! |---|---|
//! | `model/` | the matrix: axes, rules, settings, tags |
//! | `language/` | from the text of one or several files to a [`Matrix`] |
//! | `selection` | the selection and overrides of a command line |
//! | `cells/` | from a selection to its [`Cell`]s, and the origin of each value |
//! | `blame` | the flags that cause an error |
//!
//! Each layer uses only layers above it. [`Matrix::parse`] reads the file and finds all errors in the
//! file itself; [`Matrix::select`] checks the command line against it;
//! [`Selected::expand`](selection::Selected::expand) creates the cells. An error from the second step
//! is a wrong command line; the others are errors in the matrix.

mod blame;
mod cells;
mod language;
mod model;
mod selection;
#[cfg(test)]
mod tests;

pub(crate) use blame::changing;
pub(crate) use cells::{Asked, AskedFor, AskedVariable, Cell, Origin, Source};
pub(crate) use language::{Files, SETTINGS, Sheet};
pub use model::Matrix;
pub(crate) use model::{
    Axis, AxisSource, BaseLabels, BaseWanted, DeclaredKind, FileRule, PAGE, ResolvedAxes,
    TokenVariable, in_context, known_axes,
};
pub(crate) use selection::{DEFAULT_PLATFORM, EPOCH, Facts, Pick, Unnamed};
pub use selection::{Overrides, Selection};
