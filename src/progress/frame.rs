//! The part of the screen that is redrawn. Pure: renders lines from the state, a clock and a size.

use std::time::{Duration, Instant};

use super::activity::activity;
use super::cells::Cells;
use super::estimate::remaining;
use super::settings::Size;
use crate::text::{Paint, fit, rough, seconds, width};

const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TIME: usize = 6;
const BAR: usize = 30;

/// Lines for active cells, the number of waiting cells, and the total: fewer lines than the
/// terminal has rows, each narrower than the terminal, so that none wraps or scrolls away.
pub(super) fn frame(cells: &Cells, now: Instant, size: Size, paint: Paint) -> Vec<String> {
    let columns = size.columns.saturating_sub(1);
    let since = cells.started.unwrap_or(now);
    let spinner = SPINNER[(passed(since, now).as_millis() / 100) as usize % SPINNER.len()];
    // One row each for the waiting cells and the total, and one that stays empty.
    let rows = size.rows.saturating_sub(3);
    // The row below the cells also counts running cells without a row.
    let shown = rows.min(cells.active.len());
    // As wide as in the rows of finished cells above, unless too little space remains.
    let names = cells.longest_name.min(columns * 2 / 5);
    let mut lines: Vec<String> = Vec::new();
    for (name, cell) in cells.active.iter().take(shown) {
        let head = format!(" {} {}", paint.busy(spinner), fit(name, names));
        let time = seconds(passed(cell.since, now));
        lines.push(row(&head, 3 + names, &activity(cell, now), &time, columns));
    }
    let below = below(cells, cells.active.len() - shown);
    if !below.is_empty() && rows > 0 {
        lines.push(paint.quiet(fit(&format!("   {below}"), columns).trim_end()));
    }
    lines.push(total(cells, now, columns, paint));
    lines
}

fn row(head: &str, head_width: usize, activity: &str, time: &str, columns: usize) -> String {
    let room = columns.saturating_sub(head_width + 2 + 2 + TIME);
    if room < 8 {
        return format!("{head}  {time:>TIME$}");
    }
    format!("{head}  {}  {time:>TIME$}", fit(activity, room))
}

/// `2 more running, 12 waiting`
fn below(cells: &Cells, hidden: usize) -> String {
    let parts = [(hidden, "more running"), (cells.waiting(), "waiting")];
    let said = parts.iter().filter(|(count, _)| *count > 0);
    said.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

fn total(cells: &Cells, now: Instant, columns: usize, paint: Paint) -> String {
    let mut said = format!("{}/{}", cells.finished, cells.total);
    if cells.failed > 0 {
        said += &format!(", {} failed", cells.failed);
    }
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
        return fit(&format!("   {said}"), columns).trim_end().to_owned();
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
    use crate::progress::cells::samples;

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
        (state.finished, state.failed) = (2, 1);
        state.built = vec![Duration::from_secs(70); 2];
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
    fn a_terminal_with_few_rows_shows_the_number_of_hidden_cells() {
        let lines = lines(36, 16, 80, 8);
        assert_eq!(lines[5].trim(), "11 more running, 18 waiting");
    }

    #[test]
    fn the_bar_is_empty_at_the_start_and_full_at_the_end() {
        for (done, expected) in [(0, "──────"), (1, "━╸────"), (2, "━━━───"), (4, "━━━━━━")]
        {
            assert_eq!(bar(done, 4, 6, Paint::default()), expected);
        }
        assert_eq!(bar(0, 0, 2, Paint::default()), "──");
    }
}
