//! Which cells decide when a run ends.

use super::model::{CellTimes, Span};

/// A slot of `--jobs` is free, and the next cell starts in it: between the two events is this time at most,
/// in milliseconds, and they may be recorded in either order.
const SLACK: u64 = 50;

/// A cell of the critical path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// The number of the cell.
    pub(super) cell: usize,
    /// From its start until it left its slot to the next one: at its end, or at the end of an attempt.
    pub(super) ran: Span,
}

/// The critical path, oldest first: the cell that ended last, before it the cell that last left a slot
/// when this one started, and so on.
pub(super) fn critical(cells: &[CellTimes<'_>]) -> Vec<Link> {
    let spans = cells.iter().enumerate().filter_map(|(cell, times)| Some((cell, times.ran?)));
    let last = spans.max_by_key(|(_, ran)| ran.until).map(|(cell, ran)| Link { cell, ran });
    let mut path: Vec<Link> =
        std::iter::successors(last, |link| before(cells, link.ran.from)).collect();
    path.reverse();
    path
}

/// The cell that last left a slot until `start`. It started before, so that the path has an end.
fn before(cells: &[CellTimes<'_>], start: u64) -> Option<Link> {
    let started =
        cells.iter().enumerate().filter_map(|(cell, times)| Some((cell, times, times.ran?)));
    let links = started.flat_map(|(cell, times, ran)| {
        let link = move |until| Link { cell, ran: Span { from: ran.from, until } };
        times.attempts.iter().map(move |attempt| link(attempt.until))
    });
    let is_before = |link: &Link| link.ran.from < start && link.ran.until <= start + SLACK;
    links.filter(is_before).max_by_key(|link| link.ran.until)
}

#[cfg(test)]
mod tests {
    use super::super::model::Timings;
    use super::*;
    use crate::record::event::samples::{head, retrying};
    use crate::record::event::{CellFinished, CellResult, Event};
    use crate::record::{Recorded, Steps};
    use crate::reporters::samples::{at, family};

    /// A run with the cells `(name, start, end)`.
    fn run(cells: &[(&str, u64, u64)]) -> Recorded {
        let mut head = head("x");
        head.time = at(0);
        let mut run = Recorded::new(head, Steps::Kept);
        for (name, from, until) in cells {
            let cell = || (*name).to_owned();
            run.add(at(*from), Event::CellStarted { cell: cell() });
            let elapsed = std::time::Duration::from_millis(until - from);
            let result = CellResult::Cancelled;
            let finished = CellFinished { cell: cell(), elapsed, result };
            run.add(at(*until), Event::CellFinished(finished));
        }
        run
    }

    fn names(run: &Recorded) -> Vec<(String, u64)> {
        let timings = Timings::of(run);
        let link = |link: Link| (timings.cells[link.cell].name.clone(), link.ran.until);
        critical(&timings.cells).into_iter().map(link).collect()
    }

    #[test]
    fn each_cell_follows_the_one_that_left_it_a_slot() {
        for (cells, path) in [
            (&[][..], &[][..]),
            (&[("a", 0, 9)], &["a"]),
            // Two slots.
            (&[("a", 0, 500), ("b", 0, 300), ("c", 300, 400), ("d", 400, 900)], &["b", "c", "d"]),
            // The end of `a` was recorded after the start of `b`.
            (&[("a", 0, 510), ("b", 500, 900)], &["a", "b"]),
            // All of them at once.
            (&[("a", 0, 10), ("b", 0, 20), ("c", 0, 20)], &["c"]),
            // Nothing took any time.
            (&[("a", 0, 0), ("b", 0, 0)], &["b"]),
        ] {
            let found: Vec<String> = names(&run(cells)).into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, path, "{cells:?}");
        }
    }

    #[test]
    fn a_cell_that_waits_for_its_next_attempt_leaves_its_slot() {
        let mut run = run(&[("a", 0, 100), ("b", 3_000, 9_000)]);
        run.cells["a"].ended = None;
        run.cells["a"].finished = None;
        run.add(at(3_000), retrying("a"));
        run.last = at(8_000);
        assert_eq!(names(&run), [("a".to_owned(), 3_000), ("b".to_owned(), 8_000)]);
    }

    #[test]
    fn the_path_of_a_large_run_has_no_cell_twice() {
        let path = names(&family());
        let mut once = path.clone();
        once.sort();
        once.dedup();
        assert!(path.len() > 10 && once.len() == path.len(), "{path:?}");
    }
}
