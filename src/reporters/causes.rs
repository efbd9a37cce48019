//! Why cells failed, those with the most cells first.

use std::cmp::Reverse;

use crate::outcome::Outcome;
use crate::report::{Failed, alike};

/// The failures of a run; each one has at least one cell.
pub(super) fn causes(outcomes: &[Outcome]) -> Vec<Vec<Failed<'_>>> {
    let mut causes = alike(outcomes);
    causes.sort_by_key(|cells| Reverse(cells.len()));
    causes
}
