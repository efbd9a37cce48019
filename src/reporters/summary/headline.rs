//! What a run did, in a few lines.

use std::collections::BTreeMap;

use super::markdown::code;
use crate::record::{CellState, Recorded, State};
use crate::text::{counted, duration};

/// The headline with the counts, the time, the command and the engine.
pub(super) fn headline(run: &Recorded) -> String {
    let mut counts = BTreeMap::<CellState, usize>::new();
    for cell in run.cells.values() {
        *counts.entry(run.cell_state(cell)).or_default() += 1;
    }
    let words = counts.iter().map(|(state, count)| format!("{count} {}", state.word()));
    let words = words.collect::<Vec<_>>().join(", ");
    let words = if words.is_empty() { "nothing to build".to_owned() } else { words };
    let mut text = format!(
        "## {} {}\n\n{words}, in {}\n\n",
        mark(worst(run)),
        line(run).trim_end(),
        duration(run.elapsed())
    );
    for (name, value) in [("command", &run.head.command.text), ("engine", &run.head.engine)] {
        text += &format!("- {name}: {}\n", code(value));
    }
    text + "\n"
}

/// `onebuild: 6 of 168 cells failed`
pub(super) fn line(run: &Recorded) -> String {
    let cells = run.cells.values();
    let states: Vec<CellState> = cells.map(|cell| run.cell_state(cell)).collect();
    let failed = states.iter().filter(|state| **state == CellState::Failed).count();
    let done = states.iter().filter(|state| state.is_done()).count();
    let all = counted(states.len(), "cell");
    let what = match &run.state {
        State::Killed => format!("killed, with {done} of {all} done"),
        State::Running => format!("running, with {done} of {all} done"),
        State::Ended(_) if failed > 0 => format!("{failed} of {all} failed"),
        State::Ended(_) if done < states.len() => format!("stopped, with {done} of {all} done"),
        State::Ended(_) => format!("{all} done"),
    };
    format!("onebuild: {what}\n")
}

/// A mark beside a word, for those who look for it.
pub(super) fn mark(state: CellState) -> &'static str {
    match state {
        CellState::Pushed | CellState::Unchanged | CellState::Built | CellState::Kept => "✅",
        CellState::Unverified => "⚠️",
        CellState::Failed => "❌",
        CellState::Cancelled | CellState::Killed => "🚫",
        CellState::NotStarted | CellState::Waiting => "⚪",
        CellState::Running => "⏳",
    }
}

/// The state that the headline is about.
fn worst(run: &Recorded) -> CellState {
    let states: Vec<CellState> = run.cells.values().map(|cell| run.cell_state(cell)).collect();
    let order = [
        CellState::Failed,
        CellState::Killed,
        CellState::Cancelled,
        CellState::NotStarted,
        CellState::Running,
        CellState::Waiting,
        CellState::Unverified,
    ];
    order.into_iter().find(|state| states.contains(state)).unwrap_or(CellState::Built)
}
