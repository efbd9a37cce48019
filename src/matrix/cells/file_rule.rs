//! The cell that a file of `files` is rendered with.

use super::Cell;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::matrix::model::FileRule;

impl FileRule {
    /// The one cell that it is rendered with, `cells` being all of the matrix.
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
            0 => Diagnostic::error("no cell is meant by this, and a file takes the values of one")
                .help(format!("`onebuild plan` lists the {} cells", cells.len())),
            _ => Diagnostic::error(format!("{count} cells are meant, and a file takes one"))
                .note(format!("they are {}", listed(matching.iter().map(|cell| &*cell.name))))
                .help(match self.when {
                    Some(_) => "say more in `when`",
                    None => "say which one: `when: latest and os == \"ubuntu\"`",
                }),
        };
        Err(finding.at(span, "").into())
    }
}
