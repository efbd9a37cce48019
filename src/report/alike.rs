//! Which cells failed in the same way.

use crate::outcome::{CellResult, Failure, Outcome};

/// A cell that failed, and why.
pub(crate) type Failed<'a> = (&'a Outcome, &'a Failure);

/// The failed cells, in groups of those that failed in the same way. Groups and their cells are in the order of
/// the run.
pub(crate) fn alike(outcomes: &[Outcome]) -> Vec<Vec<Failed<'_>>> {
    let mut alike: Vec<Vec<Failed>> = Vec::new();
    for outcome in outcomes {
        let CellResult::Failed(failure) = &outcome.result else { continue };
        match alike.iter_mut().find(|group| same(group[0].1, failure)) {
            Some(group) => group.push((outcome, failure)),
            None => alike.push(vec![(outcome, failure)]),
        }
    }
    alike
}

/// Whether the same line of the same template failed in the same way. The exit code says more than
/// the platform, and than the line with the values of one cell.
fn same(one: &Failure, other: &Failure) -> bool {
    let line = |failure: &Failure| {
        let place = failure.place.as_ref();
        place.map(|place| (place.file.clone(), place.line))
    };
    let is_command = one.exit_code.is_some() && one.place.is_some();
    one.phase == other.phase
        && one.exit_code == other.exit_code
        && line(one) == line(other)
        && (is_command || one.message == other.message && one.platform == other.platform)
}
