//! Estimates the remaining time, if a reasonable estimate is possible.

use std::time::{Duration, Instant};

use super::cells::Cells;

/// Number of finished builds before there is an estimate.
const MIN_BUILT: usize = 2;

/// The remaining time, by the mean of the cells built so far; `None` if there is no basis for a
/// number.
///
/// A cell that already takes longer than the mean counts as zero. If only such cells are running,
/// there is no estimate: better none than one that is stuck until they end.
pub(super) fn remaining(cells: &Cells, now: Instant) -> Option<Duration> {
    if cells.built.len() < MIN_BUILT || cells.cancelling {
        return None;
    }
    let mean = cells.built.iter().sum::<Duration>() / u32::try_from(cells.built.len()).ok()?;
    let left = |since: Instant| mean.saturating_sub(now.saturating_duration_since(since));
    let active: Vec<Duration> = cells.active.values().map(|cell| left(cell.since)).collect();
    if !active.is_empty() && active.iter().all(Duration::is_zero) {
        return None;
    }
    let waiting = u32::try_from(cells.waiting()).ok()?;
    let lanes = u32::try_from(cells.jobs.clamp(1, active.len().max(1) + waiting as usize)).ok()?;
    let work = active.iter().sum::<Duration>() + mean * waiting;
    // The last cell to start takes a full mean, however many run concurrently.
    let longest = match waiting {
        0 => active.iter().max().copied().unwrap_or_default(),
        _ => active.iter().min().copied().unwrap_or_default() + mean,
    };
    Some((work / lanes).max(longest)).filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::cells::samples;

    /// `built` cells took 10 s each; two more started 4 s ago, and 2 run at once.
    fn left(total: usize, built: usize) -> Option<u64> {
        left_after(total, built, 4)
    }

    /// The same with cells that started some seconds ago.
    fn left_after(total: usize, built: usize, seconds: u64) -> Option<u64> {
        let names: Vec<String> = (0..total).map(|n| format!("cell-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut cells = Cells::default();
        let now = Instant::now();
        cells.event(&samples::run_started(&names, 2), now);
        for name in &names[built..(built + 2).min(total)] {
            cells.event(&samples::cell_started(name), now);
        }
        cells.built = vec![Duration::from_secs(10); built];
        cells.finished = built;
        remaining(&cells, now + Duration::from_secs(seconds)).map(|time| time.as_secs())
    }

    #[test]
    fn the_estimate_is_based_on_the_built_cells() {
        for (total, built, expected) in [
            (10, 0, None),
            (10, 1, None),
            (4, 2, Some(6)),
            (5, 2, Some(16)),
            (6, 2, Some(16)),
            (7, 2, Some(21)),
            (3, 3, None),
        ] {
            assert_eq!(left(total, built), expected, "{built} of {total}");
        }
    }
    #[test]
    fn cells_that_take_longer_than_the_others_leave_no_estimate() {
        for (seconds, expected) in [(9, Some(11)), (10, None), (600, None)] {
            assert_eq!(left_after(5, 2, seconds), expected, "{seconds}");
        }
    }
}
