//! The parts of the page with a place on the time axis: cells, and lists of cells and steps.

use std::time::Duration;

use serde::Serialize;

use crate::record::CellState;
use crate::record::event::CellResult;
use crate::reporters::timings::critical::Link;
use crate::reporters::timings::model::{CellTimes, Span, StepEnd, Timings};
use crate::text::{clean, duration};

/// The longest message, in characters.
const LONGEST: usize = 500;

/// The most labels of the time axis.
const TICKS: u64 = 8;

/// A label of the time axis.
#[derive(Serialize)]
pub(super) struct Tick {
    at: String,
    label: String,
}

/// The row of a cell.
#[derive(Serialize)]
pub(super) struct Row {
    number: usize,
    name: String,
    /// Its values of axes: `os=alpine version=3.20`.
    axes: String,
    state: String,
    class: String,
    time: String,
    /// When it ran, for those who do not see the bars.
    spoken: String,
    is_critical: bool,
    can_open: bool,
    bars: Vec<Bar>,
}

/// A part of a row.
#[derive(Serialize)]
struct Bar {
    class: String,
    from: String,
    size: String,
    title: String,
}

/// A step of the list of the slowest ones.
#[derive(Serialize)]
pub(super) struct Slow {
    cell: usize,
    name: String,
    step: String,
    time: String,
    /// Its platform, and how it ended unless it was done.
    more: String,
}

/// A cell of the critical path.
#[derive(Serialize)]
pub(super) struct PathCell {
    cell: usize,
    name: String,
    from: String,
    until: String,
    time: String,
}

/// The word as the name of a class.
pub(super) fn class(word: &str) -> String {
    word.replace(' ', "-")
}

/// The same for a cell.
pub(super) fn cell_class(state: CellState) -> String {
    match state {
        CellState::Unchanged | CellState::Unverified => class(CellState::Pushed.word()),
        CellState::Running | CellState::Waiting | CellState::Killed => "unfinished".to_owned(),
        other => class(other.word()),
    }
}

/// How long a cell took, as in the other reports, or has run.
fn time_of(cell: &CellTimes<'_>) -> String {
    let elapsed = cell.known.finished.as_ref().map(|finished| finished.elapsed);
    let took = cell.ran.map(|ran| elapsed.unwrap_or(ran.took()));
    took.map_or_else(String::new, duration)
}

/// Why a cell or an attempt failed, on one line.
pub(super) fn message(failure: &crate::record::event::Failure) -> String {
    clean(&failure.message, LONGEST)
}

/// The message of a cell that failed.
pub(super) fn failure(cell: &CellTimes<'_>) -> Option<String> {
    match &cell.known.finished.as_ref()?.result {
        CellResult::Failed { failure } => Some(message(failure)),
        _ => None,
    }
}

/// The labels of the time axis, at round times.
pub(super) fn ticks(end: u64) -> Vec<Tick> {
    const STEPS: [u64; 20] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000,
        120_000, 300_000, 600_000, 1_800_000,
    ];
    let fits = |step: &u64| end / step <= TICKS;
    let step = STEPS.into_iter().find(fits).unwrap_or((end / TICKS).next_multiple_of(3_600_000));
    let times = (0..=end / step).map(|number| number * step);
    times.map(|at| Tick { at: fraction(at, end), label: time(at) }).collect()
}

pub(super) fn rows(timings: &Timings<'_>, path: &[Link]) -> Vec<Row> {
    let row = |(number, cell): (usize, &CellTimes<'_>)| {
        let axes = cell.known.cell.axes.iter().map(|(axis, value)| format!("{axis}={value}"));
        let axes = clean(&axes.collect::<Vec<_>>().join(" "), LONGEST);
        let state = match cell.attempts.len() {
            0 | 1 => cell.state.word().to_owned(),
            attempts => format!("{}, {attempts} attempts", cell.state.word()),
        };
        let spoken = cell.ran.map_or_else(String::new, |ran| {
            format!("from {} to {}", time(ran.from), time(ran.until))
        });
        Row {
            number,
            name: cell.name.clone(),
            axes,
            state,
            class: cell_class(cell.state),
            time: time_of(cell),
            is_critical: path.iter().any(|link| link.cell == number),
            can_open: !cell.steps.is_empty() || !cell.waits.is_empty() || failure(cell).is_some(),
            bars: bars(cell, &spoken, timings.end),
            spoken,
        }
    };
    timings.cells.iter().enumerate().map(row).collect()
}

fn bars(cell: &CellTimes<'_>, spoken: &str, end: u64) -> Vec<Bar> {
    let bar = |class: &str, ran: Span, title: String| Bar {
        class: class.to_owned(),
        from: fraction(ran.from, end),
        size: fraction(ran.until - ran.from, end),
        title,
    };
    let last = cell.attempts.len().saturating_sub(1);
    let attempts = cell.attempts.iter().enumerate().map(|(number, ran)| {
        let state = match cell.known.retries.get(number) {
            Some(_) if number < last => CellState::Failed,
            _ => cell.state,
        };
        let word = state.word();
        let title = match last {
            0 => format!("{}: {word}, {spoken}", cell.name),
            _ => format!("attempt {}: {word}, {}", number + 1, duration(ran.took())),
        };
        bar(&cell_class(state), *ran, title)
    });
    let waits = cell
        .waits
        .iter()
        .map(|ran| bar("wait", *ran, format!("{} until the next attempt", duration(ran.took()))));
    attempts.chain(waits).collect()
}

/// The steps that took the most time.
pub(super) fn slowest(timings: &Timings<'_>, count: usize) -> Vec<Slow> {
    let mut steps: Vec<_> =
        timings.steps().filter(|(_, step)| step.state != StepEnd::Cached).collect();
    steps.sort_by_key(|(_, step)| std::cmp::Reverse(step.ran.took()));
    let slow = |(cell, step): (usize, &super::super::model::StepTimes)| {
        let state = (step.state != StepEnd::Done).then(|| step.state.word());
        let emulated = step.is_emulated.then_some("emulated");
        let more = step.platform.as_deref().into_iter().chain(emulated).chain(state);
        Slow {
            cell,
            name: timings.cells[cell].name.clone(),
            step: step.label.clone(),
            time: duration(step.ran.took()),
            more: more.collect::<Vec<_>>().join(", "),
        }
    };
    steps.into_iter().take(count).map(slow).collect()
}

pub(super) fn path(timings: &Timings<'_>, path: &[Link]) -> Vec<PathCell> {
    let cell = |link: &Link| PathCell {
        cell: link.cell,
        name: timings.cells[link.cell].name.clone(),
        from: time(link.ran.from),
        until: time(link.ran.until),
        time: duration(link.ran.took()),
    };
    path.iter().map(cell).collect()
}

/// A time after the start of the run.
fn time(millis: u64) -> String {
    match millis {
        0 => "0s".to_owned(),
        millis => duration(Duration::from_millis(millis)),
    }
}

/// The part of the whole, as CSS has numbers.
fn fraction(part: u64, whole: u64) -> String {
    let text = format!("{:.5}", part as f64 / whole.max(1) as f64);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_axis_has_few_labels_at_round_times() {
        for (end, labels) in [
            (0, &["0s"][..]),
            (7, &["0s", "1ms", "2ms", "3ms", "4ms", "5ms", "6ms", "7ms"]),
            (3_000, &["0s", "500ms", "1.0s", "1.5s", "2.0s", "2.5s", "3.0s"]),
            (160_000, &["0s", "30s", "1m00s", "1m30s", "2m00s", "2m30s"]),
            (
                30 * 3_600_000,
                &["0s", "4h00m", "8h00m", "12h00m", "16h00m", "20h00m", "24h00m", "28h00m"],
            ),
        ] {
            let found: Vec<String> = ticks(end).into_iter().map(|tick| tick.label).collect();
            assert_eq!(found, labels, "{end}");
        }
    }

    #[test]
    fn a_part_is_a_short_number() {
        for (part, whole, text) in [(0, 0, "0"), (1, 3, "0.33333"), (5, 5, "1"), (1, 1 << 40, "0")]
        {
            assert_eq!(fraction(part, whole), text);
        }
    }
}
