//! The part of the screen that is redrawn. Pure: renders lines from the state, a clock and a size.

use std::time::{Duration, Instant};

use super::activity::{activity, step_time};
use super::cells::{Active, Cells};
use super::estimate::remaining;
use super::settings::Size;
use crate::cell_name::CellName;
use crate::text::{Paint, rough, seconds, width};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_SPINNER: [&str; 4] = ["|", "/", "-", "\\"];
/// Columns for the activity below which the step's time is omitted.
const MIN_ACTIVITY: usize = 8;
const TIME: usize = 6;
const BAR: usize = 30;

/// Lines for active cells, the number of waiting cells, the failed cells, and the total: fewer
/// lines than the terminal has rows, each narrower than the terminal, so that none wraps or scrolls
/// away.
pub(super) fn frame(cells: &Cells, now: Instant, size: Size, paint: Paint) -> Vec<String> {
    let columns = size.columns.saturating_sub(1);
    let since = cells.started.unwrap_or(now);
    let frames: &[&str] = if paint.ascii { &ASCII_SPINNER } else { &SPINNER };
    let spinner = frames[(passed(since, now).as_millis() / 100) as usize % frames.len()];
    // One row each for the waiting cells and the total, and one that stays empty.
    let rows = size.rows.saturating_sub(3);
    let has_failed_row = !cells.failed.is_empty() && rows > 1;
    // The row below the cells also counts running cells without a row.
    let shown = (rows - usize::from(has_failed_row)).min(cells.active.len());
    // As wide as in the rows of finished cells above, unless too little space remains.
    let names = cells.longest_name.min(columns * 2 / 5);
    let mut lines: Vec<String> = Vec::new();
    // Cells that wait for another attempt do nothing, so they come last.
    let (paused, running): (Vec<_>, Vec<_>) =
        cells.active.iter().partition(|(_, cell)| cell.retry.is_some());
    let hidden = running.len().saturating_sub(shown);
    let paused_hidden = &paused[paused.len().min(shown.saturating_sub(running.len()))..];
    for (name, cell) in running.iter().chain(&paused).take(shown) {
        let head = format!(" {} {}", paint.busy(spinner), paint.fit(name, names));
        let room = columns.saturating_sub(3 + names + 2 + 2 + TIME);
        let time = seconds(passed(cell.since, now));
        lines.push(match room {
            0..MIN_ACTIVITY => format!("{head}  {time:>TIME$}"),
            _ => format!("{head}  {}  {time:>TIME$}", doing(cell, now, room, paint)),
        });
    }
    let below = below(cells, hidden, next_attempt(paused_hidden, now));
    if !below.is_empty() && rows > 0 {
        lines.push(paint.quiet(paint.fit(&format!("   {below}"), columns).trim_end()));
    }
    if has_failed_row {
        lines.push(failed(cells, columns, paint));
    }
    lines.push(total(cells, now, columns, paint));
    lines
}

/// What a cell does, and for how long: `amd64 7/9 RUN dnf -y ins… (1m12s, no output for 40 s)`.
/// Exactly `room` columns; the instruction is cut first.
fn doing(cell: &Active, now: Instant, room: usize, paint: Paint) -> String {
    let time = step_time(cell, now).map(|time| format!(" ({time})")).unwrap_or_default();
    let left = room.saturating_sub(width(&time));
    if time.is_empty() || left < MIN_ACTIVITY {
        return paint.fit(&activity(cell, now, room), room);
    }
    let activity = paint.fit(&activity(cell, now, left), left);
    paint.fit(&format!("{}{time}", activity.trim_end()), room)
}

/// `✗ v1, v2 and 3 more`: earlier rows may have scrolled away. The latest is the first.
fn failed(cells: &Cells, columns: usize, paint: Paint) -> String {
    let room = columns.saturating_sub(3);
    let mut said = String::new();
    for (index, name) in cells.failed.iter().rev().enumerate() {
        let next = if index == 0 { name.to_string() } else { format!("{said}, {name}") };
        let more = match cells.failed.len() - index - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if index > 0 && width(&next) + width(&more) > room {
            said += &format!(" and {} more", cells.failed.len() - index);
            break;
        }
        said = next;
    }
    format!(" {} {}", paint.bad("✗"), paint.fit(&said, room).trim_end())
}

/// `2 more running, 25 to try again (next in 3 s), 12 waiting`
fn below(cells: &Cells, hidden: usize, paused: Option<String>) -> String {
    let counted = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let parts = [counted(hidden, "more running"), paused, counted(cells.waiting(), "waiting")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `25 to try again (next in 3 s)`, for cells without a row.
fn next_attempt(paused: &[(&CellName, &Active)], now: Instant) -> Option<String> {
    let left = paused.iter().filter_map(|(_, cell)| {
        let (retry, since) = cell.retry.as_ref()?;
        Some(retry.wait?.saturating_sub(passed(*since, now)))
    });
    let (next, count) = (left.min().map_or(0, |left| left.as_secs()), paused.len());
    (count > 0).then(|| match next {
        0 => format!("{count} to try again"),
        seconds => format!("{count} to try again (next in {seconds} s)"),
    })
}

fn total(cells: &Cells, now: Instant, columns: usize, paint: Paint) -> String {
    let mut said = cells.count();
    if let Some(started) = cells.started {
        said += &format!("  {}", seconds(passed(started, now)));
    }
    if cells.cancelling {
        said += "  stopping (press Ctrl-C again to quit immediately)";
    } else if let Some(left) = remaining(cells, now) {
        said += &format!("  about {} left", rough(left));
    }
    let room = columns.saturating_sub(3 + 2 + width(&said)).min(BAR);
    if room < 5 {
        return paint.fit(&format!("   {said}"), columns).trim_end().to_owned();
    }
    format!("   {}  {said}", bar(cells.finished, cells.total, room, paint))
}

fn bar(done: usize, total: usize, columns: usize, paint: Paint) -> String {
    let halves = columns * 2 * done.min(total) / total.max(1);
    let mut full = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        full.push('╸');
    }
    let rest = "─".repeat(columns - halves.div_ceil(2));
    format!("{}{}", paint.good(&full), paint.quiet(&rest))
}

fn passed(since: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepState;
    use crate::progress::cells::{BuiltCell, samples};

    fn lines(cells: usize, active: usize, columns: usize, rows: usize) -> Vec<String> {
        let names: Vec<String> = (0..cells).map(|n| format!("dood-2.0.{n}-alpine")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let now = Instant::now();
        let mut state = Cells::default();
        state.event(&samples::run_started(&names, active), now);
        for name in &names[2..2 + active] {
            state.event(&samples::cell_started(name), now);
            let run = "RUN apk add --no-cache bash curl supervisor && mkdir -p /opt/日本語/data";
            let running = StepState::Running;
            state.event(&samples::step(name, 15, "linux/arm64", run, running), now);
            state.event(&samples::step(name, 4, "linux/amd64", "COPY a b", running), now);
        }
        (state.finished, state.failed) = (2, vec![names[0].into()]);
        let took = Duration::from_secs(70);
        state.built = vec![BuiltCell { took, is_cached: false }; 2];
        frame(&state, now + Duration::from_millis(41_300), Size { columns, rows }, Paint::default())
    }

    #[test]
    fn running_cells_waiting_cells_and_the_total_are_shown() {
        insta::assert_snapshot!(lines(12, 4, 80, 24).join("\n"));
    }

    #[test]
    fn a_row_names_the_host_it_waits_for_and_counts_the_seconds() {
        let (now, mut state) = (Instant::now(), Cells::default());
        state.event(&samples::run_started(&["a"], 1), now);
        state.event(&samples::cell_started("a"), now);
        state.event(&samples::waiting("a", 90, "ghcr.io", "pushing layers", 30), now);
        let size = Size { columns: 80, rows: 24 };
        let row = |after| {
            let now = now + Duration::from_secs(after);
            frame(&state, now, size, Paint::default()).remove(0)
        };
        assert!(row(0).contains("waiting for ghcr.io (30 s): pushing layers"), "{}", row(0));
        assert!(row(12).contains("waiting for ghcr.io (42 s): pushing layers"), "{}", row(12));
    }

    #[test]
    fn the_frame_fits_every_terminal_size() {
        for (columns, rows) in [(200, 50), (80, 24), (60, 10), (40, 5), (20, 3), (10, 2), (1, 1)] {
            let lines = lines(36, 16, columns, rows);
            assert!(lines.len() < rows.max(2), "{columns}x{rows}: {} lines", lines.len());
            for line in lines {
                assert!(width(&line) <= columns.max(10), "{columns}x{rows}: {line}");
            }
        }
    }

    #[test]
    fn a_running_row_shows_the_time_of_its_step_and_its_silence() {
        for (columns, expected) in [
            (100, "amd64 4/9 · arm64 5/9 RUN apk add --no-cache b… (no output for 41 s)     41s"),
            (80, "arm64 5/9 RUN apk add --no… (no output for 41 s)     41s"),
            (50, "arm64 5/9 RUN apk…     41s"),
        ] {
            let row = lines(12, 1, columns, 24).remove(0);
            assert!(row.ends_with(&format!("  {expected}")), "{row}");
            assert_eq!(width(&row), columns - 1);
        }
    }

    #[test]
    fn failed_cells_are_named_as_far_as_there_is_room() {
        for (count, columns, expected) in [
            (1, 40, " ✗ cell-0"),
            (3, 40, " ✗ cell-2, cell-1, cell-0"),
            (12, 40, " ✗ cell-11, cell-10, cell-9 and 9 more"),
            (12, 20, " ✗ cell-11 and 11 m…"),
            (12, 8, " ✗ cell…"),
        ] {
            let mut cells = Cells::default();
            cells.failed.extend((0..count).map(|n| CellName::from(format!("cell-{n}").as_str())));
            let line = super::failed(&cells, columns, Paint::default());
            assert_eq!(line, expected);
            assert!(width(&line) <= columns);
        }
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii() {
        let mut state = Cells::default();
        let now = Instant::now();
        let name = "a-name-that-is-too-long-for-its-column-of-the-terminal";
        state.event(&samples::run_started(&[name, "b"], 2), now);
        state.event(&samples::cell_started(name), now);
        let run = "RUN apk add --no-cache bash curl supervisor && mkdir -p /opt/1/data";
        let running = StepState::Running;
        state.event(&samples::step(name, 15, "linux/arm64", run, running), now);
        state.event(&samples::step(name, 4, "linux/amd64", "COPY a b", running), now);
        state.failed = vec!["b".into()];
        let paint = Paint { ascii: true, ..Paint::default() };
        for columns in [20, 40, 60, 80] {
            let size = Size { columns, rows: 24 };
            for tenths in 0..10 {
                for line in frame(&state, now + Duration::from_millis(tenths * 100), size, paint) {
                    let line = paint.shown(&line);
                    assert!(line.is_ascii() && width(&line) < columns, "{columns}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_terminal_with_few_rows_shows_the_number_of_hidden_cells() {
        let lines = lines(36, 16, 80, 8);
        assert_eq!(lines[4].trim(), "12 more running, 18 waiting");
        assert_eq!(lines[5], " ✗ dood-2.0.0-alpine");
    }

    #[test]
    fn the_bar_is_empty_at_the_start_and_full_at_the_end() {
        for (done, expected) in [(0, "──────"), (1, "━╸────"), (2, "━━━───"), (4, "━━━━━━")]
        {
            assert_eq!(bar(done, 4, 6, Paint::default()), expected);
        }
        assert_eq!(bar(0, 0, 2, Paint::default()), "──");
    }

    #[test]
    fn cells_that_wait_to_try_again_come_after_those_that_run() {
        let names = ["a", "b", "c", "d", "e"];
        let now = Instant::now();
        let mut state = Cells::default();
        state.event(&samples::run_started(&names, 5), now);
        for (seconds, name) in (3..).zip(names) {
            state.event(&samples::cell_started(name), now);
            if name != "c" && name != "e" {
                state.event(&samples::retrying(name, seconds), now);
            }
        }
        let shown = |rows: usize| {
            let size = Size { columns: 100, rows };
            let lines = frame(&state, now + Duration::from_secs(1), size, Paint::default());
            let names = lines.iter().filter_map(|line| line.strip_prefix(" ⠋ ")?.chars().next());
            let names = names.collect::<String>();
            let below = lines.iter().find(|line| line.contains("to try again"));
            (names, below.map_or("", |line| line.trim()).to_owned())
        };
        assert_eq!(shown(20), ("ceabd".to_owned(), String::new()));
        assert_eq!(shown(6), ("cea".to_owned(), "2 to try again (next in 3 s)".to_owned()));
        let hidden = "1 more running, 3 to try again (next in 2 s)";
        assert_eq!(shown(4), ("c".to_owned(), hidden.to_owned()));
    }
}
