//! What the rules check, and how they name several things.

use crate::matrix::{Cell, Matrix};
use crate::plan::{BuildRequest, Sources};

/// The input of the rules.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub matrix: &'a Matrix,
    /// The selected cells, and their requests in the same order.
    pub cells: &'a [Cell],
    pub requests: &'a [BuildRequest],
    pub sources: &'a Sources,
    /// The requests of all cells of the matrix without flags, if these differ from the ones above.
    /// Called only if necessary; `None` if they cannot be made.
    pub whole: Option<&'a dyn Fn() -> Option<Vec<BuildRequest>>>,
}

/// `a`, `a and b`, or `a and 3 more`.
pub(super) fn some_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}
