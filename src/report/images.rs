//! What scripts read.

use crate::outcome::{CellResult, Outcome};

/// One line a built cell, `reference@digest`: what `build` and `matrix` print to stdout.
///
/// A cell without a digest (`local` and `tar` output) has no line, for there is no image to name.
pub fn images(outcomes: &[Outcome]) -> String {
    let line = |outcome: &Outcome| {
        let CellResult::Built(built) = &outcome.result else { return None };
        let (digest, reference) = (built.digest.as_ref()?, outcome.references.first()?);
        Some(format!("{reference}@{digest}\n"))
    };
    outcomes.iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_built_cell_has_one_line_and_no_other_cell_has_any() {
        insta::assert_snapshot!(images(&samples::mixed()));
    }
}
