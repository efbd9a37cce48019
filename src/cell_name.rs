//! How a cell is named in all that people read.

use std::sync::Arc;

/// The name by which people know a cell: its first tag, unique in a matrix.
pub type CellName = Arc<str>;
