//! The image references for scripts.

use crate::image::Reference;
use crate::outcome::CellResult;

/// The line of a built cell, `reference@digest`: what `build` and `matrix` print to stdout.
///
/// A cell without a digest (`local` and `tar` output) has no line, because there is no image.
pub(crate) fn image(references: &[Reference], result: &CellResult) -> Option<String> {
    let CellResult::Built(built) = result else { return None };
    let (digest, reference) = (built.digest.as_ref()?, references.first()?);
    Some(format!("{reference}@{digest}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn only_built_cells_have_a_line() {
        let outcomes = samples::mixed();
        let lines =
            outcomes.iter().filter_map(|end| image(&[samples::reference(&end.cell)], &end.result));
        insta::assert_snapshot!(lines.collect::<String>());
    }
}
