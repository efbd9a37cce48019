//! The message for a run that was asked to stop after all its work was finished.

use crate::outcome::{CellResult, Outcome};

/// Says that nothing was cancelled, and the state of the images; `None` if a cell was cancelled.
pub(crate) fn too_late(outcomes: &[Outcome]) -> Option<&'static str> {
    let is_pushed = |outcome: &Outcome| match &outcome.result {
        CellResult::Built(built) => !built.pushed.is_empty(),
        _ => false,
    };
    let is_built = |outcome: &Outcome| matches!(outcome.result, CellResult::Built(_));
    let is_stopped = |outcome: &Outcome| match &outcome.result {
        CellResult::Cancelled | CellResult::NotStarted(_) => true,
        CellResult::Failed(failure) => failure.is_interrupted,
        CellResult::Built(_) => false,
    };
    if outcomes.iter().any(is_stopped) {
        None
    } else if outcomes.iter().all(is_pushed) {
        Some("nothing was cancelled: all images are pushed")
    } else if outcomes.iter().all(is_built) {
        Some("nothing was cancelled: all images are built")
    } else {
        Some("nothing was cancelled: all cells had finished")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Failure;
    use crate::report::samples;

    #[test]
    fn only_a_run_without_cancelled_cells_is_reported_as_finished() {
        let pushed = || samples::built("a", 1, true);
        let built = || samples::built("b", 1, false);
        let failed = || samples::failed("c", samples::exit_code());
        let stopped = |result| Outcome { result, ..built() };
        let cancelled = || stopped(CellResult::Cancelled);
        let interrupted =
            || samples::failed("d", Failure { is_interrupted: true, ..samples::exit_code() });
        for (outcomes, expected) in [
            (vec![pushed(), pushed()], Some("all images are pushed")),
            (vec![pushed(), built()], Some("all images are built")),
            (vec![built()], Some("all images are built")),
            (vec![pushed(), failed()], Some("all cells had finished")),
            (vec![pushed(), cancelled()], None),
            (vec![failed(), stopped(CellResult::NotStarted("another cell failed"))], None),
            (vec![pushed(), interrupted()], None),
        ] {
            let said = too_late(&outcomes);
            let said = said.map(|said| said.trim_start_matches("nothing was cancelled: "));
            assert_eq!(said, expected);
        }
    }
}
