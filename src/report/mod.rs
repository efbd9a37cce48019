//! The final report. Pure: outcomes in, text out.
//!
//! It is meant to be read from the bottom up: counts and the names of failed cells are last, each
//! failure in full is above them, and the table of all cells is at the top.

mod alike;
mod closing;
mod columns;
mod failure;
mod images;
mod late;
mod summary;
mod unverified;

pub(crate) use alike::{Failed, alike};
pub(crate) use closing::{Style, closing};
pub(crate) use columns::Columns;
pub(crate) use failure::{TAIL, facts, failures, last_lines, what};
pub(crate) use images::image;
pub(crate) use late::too_late;
pub(crate) use summary::{failed_line, reason, summary};
pub(crate) use unverified::unverified;

#[cfg(test)]
pub(crate) mod samples;
