//! How long cells took in earlier runs.

use std::path::Path;

use super::event::{CellFinished, CellResult, RunHead};
use super::reader::entries;
use crate::progress::Past;

/// The number of earlier runs that are read.
const RUNS: usize = 5;

/// How long cells took in the last runs below `place` that are like the one that begins. What cannot be read is left
/// out.
pub(crate) fn past(place: &Path, is_like: impl Fn(&RunHead) -> bool) -> Past {
    let mut past = Past::default();
    let entries = entries(place).unwrap_or_default();
    let like = entries.iter().filter(|entry| entry.head().is_ok_and(|head| is_like(&head)));
    for run in like.take(RUNS).filter_map(|entry| entry.read().ok()) {
        for cell in run.cells.values().filter(|cell| cell.retries.is_empty()) {
            let Some(CellFinished { cell, elapsed, result }) = &cell.finished else { continue };
            if let CellResult::Built(built) = result
                && built.kept_from.is_none()
            {
                past.add(cell, *elapsed, built.is_cached());
            }
        }
    }
    past
}
