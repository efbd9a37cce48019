//! The images that a cell is built on: what BuildKit knows of them, whether they have the cell's
//! platform, and the digest that becomes a label.

pub(crate) mod images;
mod pinned;
pub(crate) mod platforms;
