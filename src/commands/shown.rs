//! The cells as `plan` and a dry run show them.

use crate::matrix::Cell;
use crate::plan::{self, Table};
use crate::run::terminal;

/// Prints the table of `cells` to stdout. It is shortened for a terminal only.
pub(super) fn table(cells: &[Cell]) -> Table {
    let table = plan::table(cells, terminal::stdout_columns(), terminal::stdout_paint());
    terminal::stdout(&table.text);
    table
}

/// Prints the table, and the number of cells, images and platforms to stderr.
pub(super) fn summary(cells: &[Cell]) {
    let note = match table(cells).is_shortened {
        true => " (cut to the width; a pipe gets the whole table)",
        false => "",
    };
    if terminal::lost().is_none() {
        terminal::stderr(&format!("{}{note}\n", plan::counts(cells)));
    }
}
