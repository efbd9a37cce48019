//! What scripts read.

use crate::image::Reference;
use crate::outcome::CellResult;

/// The line of a built cell, `reference@digest`: what `build` and `matrix` print to stdout.
///
/// A cell without a digest (`local` and `tar` output) has no line, for there is no image to name.
pub fn image(references: &[Reference], result: &CellResult) -> Option<String> {
    let CellResult::Built(built) = result else { return None };
    let (digest, reference) = (built.digest.as_ref()?, references.first()?);
    Some(format!("{reference}@{digest}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_built_cell_has_one_line_and_no_other_cell_has_any() {
        let outcomes = samples::mixed();
        let lines =
            outcomes.iter().filter_map(|end| image(&[samples::reference(&end.cell)], &end.result));
        insta::assert_snapshot!(lines.collect::<String>());
    }
}
