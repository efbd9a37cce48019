//! matrix.yaml: what it says, which cells it has, and which of them are selected. Pure.
//!
//! | layer | what it holds |
//! |---|---|
//! | `model/` | what a matrix says: axes, rules, settings, tags |
//! | `language/` | from the text of one or several files to a [`Matrix`] |
//! | `selection` | what the command line selects and overrides |
//! | `cells/` | from a selection to its [`Cell`]s, and where each value of a cell comes from |
//!
//! Each layer uses those above it. [`Matrix::parse`] reads the file and finds everything that is
//! wrong with it alone; [`Matrix::select`] checks the command line against it; [`Selected::expand`]
//! makes the cells. Errors of the second kind are wrong usage, the others a wrong matrix.

mod cells;
mod language;
mod model;
mod selection;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use language::SETTINGS;

pub use cells::{Asked, AskedFor, AskedVariable, Cell, Origin, Source};
pub use language::{Files, Sheet};
pub use model::{
    Axis, AxisSource, BaseLabels, BaseWanted, DeclaredKind, FileRule, Matrix, PAGE, ResolvedAxes,
    TokenVariable,
};
pub use selection::{Facts, Overrides, Pick, Selection, Unnamed};
