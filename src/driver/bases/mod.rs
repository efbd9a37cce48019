//! Base images of cells: what BuildKit reports about them, whether they match the cell's platform, and
//! the digest that becomes a label.

pub(crate) mod images;
mod pinned;
pub(crate) mod platforms;
