//! The cells that a command line names.

use std::collections::HashSet;

use super::known::{Known, Wanted};
use super::missing::Missing;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::matrix::model::MOST_CELLS;
use crate::matrix::selection::Selected;

impl Selected<'_> {
    /// Keeps the cells with these names. A name can be a glob, and instead of its name a cell can have one of
    /// its tags or references. Errors are mistakes in the command line.
    pub fn named(self, names: &[String]) -> Result<Self, Diagnostics> {
        // `expand` refuses too many cells.
        if names.is_empty() || self.product() > MOST_CELLS {
            return Ok(self);
        }
        let cells = self.cells_named(names)?;
        Ok(Self { cells: Some(cells), ..self })
    }

    fn cells_named(&self, names: &[String]) -> Result<HashSet<Vec<usize>>, Diagnostics> {
        let wanted: Vec<Wanted<'_>> = names.iter().map(|text| Wanted::of(text)).collect();
        let known = Known::of(self, self.combinations(), &wanted);
        let mut missing = None;
        let mut errors = Diagnostics::default();
        let mut found = HashSet::new();
        for (number, one) in wanted.iter().enumerate() {
            let cells = known.found(number);
            if cells.is_empty() {
                let missing = missing.get_or_insert_with(|| Missing::new(self, &known, &wanted));
                errors.push(missing.error(one.text, number));
            } else if cells.len() > 1 && !one.is_glob {
                errors.push(ambiguous(one.text, cells.iter().map(|cell| &*known.names[*cell])));
            }
            found.extend(cells.iter().map(|cell| known.cells[*cell].clone()));
        }
        errors.check(found)
    }
}

fn ambiguous<'a>(text: &str, names: impl ExactSizeIterator<Item = &'a str>) -> Diagnostic {
    Diagnostic::error(format!("{} cells have the tag `{text}`", names.len()))
        .help(format!("name one of them, or use a glob: {}", listed(names)))
}
