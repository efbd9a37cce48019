//! Warnings of BuildKit, each one once.

use std::cmp::Reverse;

use indexmap::IndexMap;

use crate::record::Recorded;
use crate::record::event::Warning;

/// A warning, and the cells that have it.
pub(super) struct Warned<'a> {
    pub(super) warning: &'a Warning,
    pub(super) cells: Vec<&'a str>,
}

/// The warnings of a run, those of the most cells first. Warnings with the same message about the same line are one.
pub(super) fn warnings(run: &Recorded) -> Vec<Warned<'_>> {
    let mut alike: IndexMap<_, Warned> = IndexMap::new();
    for warning in run.cells.values().flat_map(|cell| &cell.warnings) {
        let key = (&warning.file, warning.line, &warning.message);
        let cells = &mut alike.entry(key).or_insert(Warned { warning, cells: Vec::new() }).cells;
        // Every attempt of a cell, and every platform, has them again.
        if cells.last() != Some(&&*warning.cell) {
            cells.push(&warning.cell);
        }
    }
    let mut warnings: Vec<Warned> = alike.into_values().collect();
    warnings.sort_by_key(|warned| Reverse(warned.cells.len()));
    warnings
}
