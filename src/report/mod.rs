//! What stays on the screen when the work is done. Pure: outcomes in, text out.
//!
//! The order is that of reading from the bottom up: counts and the names of failed cells last,
//! each failure in full above them, the table of all cells above that.

mod closing;
mod columns;
mod failure;
mod images;
mod late;
mod summary;
mod unverified;

pub use closing::{Style, closing};
pub use columns::Columns;
pub use failure::failures;
pub use images::image;
pub use late::too_late;
pub use summary::{failed_line, summary};
pub use unverified::unverified;

#[cfg(test)]
pub(crate) mod samples;
