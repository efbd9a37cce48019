//! Estimates the remaining time, if a reasonable estimate is possible.

use std::time::{Duration, Instant};

use super::cells::{Active, Cells};

/// Number of cells of this run before their mean counts for cells that no earlier run built.
const MIN_BUILT: usize = 2;

/// The remaining time; `None` if there is no basis for a number.
///
/// A cell counts with the time that it took in an earlier run, and otherwise with the mean of the cells that this
/// run has built. Both are known for cached and for uncached cells apart. A cell that ran a step is uncached. What
/// the others are is not known before a cell has ended; then they count as most of those that ended.
///
/// A cell that already takes longer counts as zero. If only such cells are running, there is no estimate: better none
/// than one that is stuck until they end.
pub(super) fn remaining(cells: &Cells, now: Instant) -> Option<Duration> {
    if cells.cancelling {
        return None;
    }
    let is_cached = is_cached(cells);
    let expected = |cell: &str, active: Option<&Active>| {
        let is_cached = match active.is_some_and(|active| active.ran_a_step) {
            true => false,
            false => is_cached?,
        };
        cells.past.of(cell, is_cached).or_else(|| mean(cells, is_cached))
    };
    let left = |(cell, active): (_, &Active)| {
        let passed = now.saturating_duration_since(active.since);
        Some(expected(cell, Some(active))?.saturating_sub(passed))
    };
    let active = cells.active.iter().map(|(cell, active)| left((&**cell, active)));
    let active = active.collect::<Option<Vec<Duration>>>()?;
    if !active.is_empty() && active.iter().all(Duration::is_zero) {
        return None;
    }
    let waiting = cells.waiting_cells().map(|cell| expected(cell, None));
    let waiting = waiting.collect::<Option<Vec<Duration>>>()?;
    let lanes = cells.jobs.clamp(1, active.len().max(1) + waiting.len());
    let work = active.iter().chain(&waiting).sum::<Duration>() / u32::try_from(lanes).ok()?;
    // The longest cell that waits takes its full time, however many run concurrently.
    let longest = match waiting.iter().max() {
        None => active.iter().max().copied().unwrap_or_default(),
        Some(longest) => active.iter().min().copied().unwrap_or_default() + *longest,
    };
    Some(work.max(longest)).filter(|time| !time.is_zero())
}

/// Whether most of the cells that this run built were cached; `None` if it has built none.
fn is_cached(cells: &Cells) -> Option<bool> {
    let cached = cells.built.iter().filter(|built| built.is_cached).count();
    (!cells.built.is_empty()).then_some(2 * cached > cells.built.len())
}

/// The mean time of the cached or the uncached cells that this run built.
fn mean(cells: &Cells, is_cached: bool) -> Option<Duration> {
    let times: Vec<Duration> = cells
        .built
        .iter()
        .filter(|built| built.is_cached == is_cached)
        .map(|built| built.took)
        .collect();
    if times.len() < MIN_BUILT {
        return None;
    }
    Some(times.iter().sum::<Duration>() / u32::try_from(times.len()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepState;
    use crate::progress::Past;
    use crate::progress::cells::{BuiltCell, samples};

    const TEN: Duration = Duration::from_secs(10);

    /// `built` cells took 10 s each; two more started 4 s ago, and 2 run at once.
    fn left(total: usize, built: usize) -> Option<u64> {
        left_after(total, built, 4)
    }

    /// The same with cells that started some seconds ago.
    fn left_after(total: usize, built: usize, seconds: u64) -> Option<u64> {
        let (cells, now) = cells(total, built, false);
        seconds_left(&cells, now + Duration::from_secs(seconds))
    }

    fn seconds_left(cells: &Cells, now: Instant) -> Option<u64> {
        remaining(cells, now).map(|time| time.as_secs())
    }

    fn cells(total: usize, built: usize, is_cached: bool) -> (Cells, Instant) {
        let names: Vec<String> = (0..total).map(|n| format!("cell-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut cells = Cells::default();
        let now = Instant::now();
        cells.event(&samples::run_started(&names, 2), now);
        for name in &names[built..(built + 2).min(total)] {
            cells.event(&samples::cell_started(name), now);
        }
        for name in &names[..built] {
            cells.ended((*name).into());
        }
        cells.built = vec![BuiltCell { took: TEN, is_cached }; built];
        (cells, now)
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

    #[test]
    fn earlier_runs_say_how_long_each_cell_takes_cached_and_uncached_apart() {
        let mut past = Past::default();
        for number in 0..4 {
            let cell = format!("cell-{number}");
            past.add(&cell, Duration::from_secs(100), false);
            past.add(&cell, Duration::from_secs(5), true);
            // An older run.
            past.add(&cell, Duration::from_secs(7), true);
        }
        // Nothing says yet whether the cells are cached.
        let cells_of = |built, is_cached| {
            let (mut cells, now) = self::cells(4, built, is_cached);
            cells.past = past.clone();
            (cells, now)
        };
        let (mut cells, now) = cells_of(0, false);
        assert_eq!(seconds_left(&cells, now), None);
        let done = StepState::Done { took: TEN };
        let from = samples::step("cell-0", 1, "linux/amd64", "FROM alpine:3.20", done);
        cells.event(&from, now);
        assert_eq!(seconds_left(&cells, now), None);
        let step = samples::step("cell-0", 2, "linux/amd64", "RUN make", done);
        cells.event(&step, now);
        assert!(cells.active["cell-0"].ran_a_step);
        // The other cells may still be cached.
        assert_eq!(seconds_left(&cells, now), None);

        // One cell of this run is enough.
        let (cells, now) = cells_of(1, true);
        assert_eq!(seconds_left(&cells, now), Some(10));
        let (mut cells, now) = cells_of(1, false);
        assert_eq!(seconds_left(&cells, now), Some(200));
        // It goes down while a cell runs, and there is none for a cell that takes longer.
        assert_eq!(seconds_left(&cells, now + TEN), Some(190));
        assert_eq!(seconds_left(&cells, now + TEN * 10), None);
        // A new cell has no earlier run.
        cells.event(&samples::run_started(&["cell-0", "cell-1", "cell-2", "new"], 2), now);
        assert_eq!(seconds_left(&cells, now), None);
    }
}
