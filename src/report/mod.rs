//! The final report. Pure: outcomes in, text out.
//!
//! It is meant to be read from the bottom up: counts and the names of failed cells are last, each
//! failure in full is above them, and the table of all cells is at the top.

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
