//! The cell that a file of `files` is rendered with.

use super::Cell;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::matrix::model::FileRule;

impl FileRule {
    /// The one cell that it is rendered with. `cells` are all cells of the matrix.
    pub fn cell<'c>(&self, cells: &'c [Cell]) -> Result<&'c Cell, Diagnostics> {
        let mut matching = Vec::new();
        for cell in cells {
            match &self.when {
                Some(when) if !when.value.holds(&cell.scope)? => {}
                _ => matching.push(cell),
            }
        }
        if let [only] = matching.as_slice() {
            return Ok(only);
        }
        let span = self.when.as_ref().map_or(&self.span, |when| &when.span);
        let count = matching.len();
        let finding = match count {
            0 => Diagnostic::error("this matches no cell, but a file needs the values of one cell")
                .help(format!("`onebuild plan` lists the {} cells", cells.len())),
            _ => Diagnostic::error(format!(
                "this matches {count} cells, but a file needs the values of one cell"
            ))
            .note(format!("they are {}", listed(matching.iter().map(|cell| &*cell.name))))
            .help(match self.when {
                Some(_) => "add conditions to `when` until it matches one cell",
                None => "select one, for example with `when: latest and os == \"ubuntu\"`",
            }),
        };
        Err(finding.at(span, "").into())
    }
}
