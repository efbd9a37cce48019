//! One word for each cell of a run.

use super::event::{Built, CellResult};
use super::recorded::{Recorded, RecordedCell, State};

/// How a cell ended, or what it does, in the order in which they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CellState {
    Pushed,
    /// The registry had the same image under all its tags.
    Unchanged,
    /// Pushed, but whether it arrived is not known.
    Unverified,
    Built,
    /// Left out, since an earlier run built it.
    Kept,
    Failed,
    Cancelled,
    NotStarted,
    /// Not ended, in a run that goes on.
    Running,
    Waiting,
    /// Not ended, in a run that was killed.
    Killed,
}

impl CellState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Unchanged => "unchanged",
            Self::Unverified => "pushed, not verified",
            Self::Built => "built",
            Self::Kept => "kept",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not started",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Killed => "killed",
        }
    }

    /// Whether there is an image.
    pub(crate) fn is_done(self) -> bool {
        self <= Self::Kept
    }
}

impl Recorded {
    /// The state of one of its cells.
    pub(crate) fn cell_state(&self, cell: &RecordedCell) -> CellState {
        match cell.finished.as_ref().map(|finished| &finished.result) {
            Some(CellResult::Built(built)) => of_image(built),
            Some(CellResult::Failed { .. }) => CellState::Failed,
            Some(CellResult::NotStarted) => CellState::NotStarted,
            Some(CellResult::Cancelled) => CellState::Cancelled,
            None => match (cell.started.is_some(), &self.state) {
                (true, State::Running) => CellState::Running,
                (false, State::Running) => CellState::Waiting,
                (true, _) => CellState::Killed,
                (false, _) => CellState::NotStarted,
            },
        }
    }
}

fn of_image(built: &Built) -> CellState {
    match () {
        () if built.kept_from.is_some() => CellState::Kept,
        () if built.pushed.is_empty() => CellState::Built,
        () if built.unverified.is_some() => CellState::Unverified,
        () if built.unchanged => CellState::Unchanged,
        () => CellState::Pushed,
    }
}
