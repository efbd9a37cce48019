//! Rules over the whole plan: unused names, empty arguments, caches and images that are shared by
//! mistake. Pure.
//!
//! Their findings are warnings of every command that makes a plan. Each has its rule, and its place
//! in the matrix or in a template, so that it can be acknowledged there. A name from the matrix is
//! checked against all cells of the matrix, whatever is selected; a name from a flag against the
//! selected cells.

mod acknowledge;
mod arguments;
mod assigned;
mod caches;
mod groups;
mod missing;
mod platform_arguments;
mod read;
mod safe_caches;
mod same_image;
mod system;
#[cfg(test)]
mod tests;
mod unused;

use crate::error::Diagnostics;
use crate::matrix::{Cell, Matrix};
use crate::plan::{BuildRequest, Sources};
use read::Files;

pub use acknowledge::acknowledge;

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

/// Returns the warnings about a plan.
pub fn check(subject: Subject<'_>) -> Diagnostics {
    let mut files = Files::default();
    let mut found = Diagnostics::default();
    let groups = groups::of(subject.requests);
    unused::find(subject, &groups, &mut files, &mut found);
    same_image::find(subject, &mut files, &mut found);
    missing::find(subject, &groups, &mut files, &mut found);
    platform_arguments::find(subject, &groups, &mut files, &mut found);
    arguments::find(subject, &groups, &mut files, &mut found);
    caches::find(subject, &groups, &mut files, &mut found);
    found
}

/// `a`, `a and b`, or `a and 3 more`.
fn some_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}
