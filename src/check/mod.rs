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
mod foreign_system;
mod groups;
mod line_ends;
mod missing;
mod platform_arguments;
mod read;
mod safe_caches;
mod same_image;
mod stages;
mod subject;
mod system;
mod target;
#[cfg(test)]
mod tests;
mod unused;

use crate::error::Diagnostics;
use read::Files;

pub use acknowledge::acknowledge;
pub(crate) use stages::without_stages;
pub use subject::Subject;
pub(crate) use target::wrong_targets;

/// Returns the warnings about a plan.
pub fn check(subject: Subject<'_>) -> Diagnostics {
    let mut files = Files::default();
    let mut found = Diagnostics::default();
    let groups = groups::of(subject.requests);
    unused::find(subject, &groups, &mut files, &mut found);
    same_image::find(subject, &mut files, &mut found);
    missing::find(subject, &groups, &mut files, &mut found);
    platform_arguments::find(subject, &groups, &mut files, &mut found);
    line_ends::find(subject, &groups, &mut files, &mut found);
    foreign_system::find(subject, &groups, &mut found);
    arguments::find(subject, &groups, &mut files, &mut found);
    caches::find(subject, &groups, &mut files, &mut found);
    found
}
