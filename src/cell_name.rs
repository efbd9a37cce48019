//! How a cell is named in all that people read.

use std::sync::Arc;

/// The name by which people know a cell: its first tag, unique in a matrix.
pub(crate) type CellName = Arc<str>;

/// The name of a cell as a file name: one of several repositories has slashes and a colon in it.
pub(crate) fn file_name(cell: &str) -> String {
    cell.replace(['/', ':'], "_")
}
