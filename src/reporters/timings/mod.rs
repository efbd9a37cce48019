//! When each cell and step ran: as a page for people, and as a trace for programs that show traces.
//!
//! `model` has the times, from which both are made. The page has its style and script in itself and loads
//! nothing.

mod critical;
mod model;
mod page;
#[cfg(test)]
mod samples;
mod trace;

use crate::record::Recorded;
use model::Timings;

/// The page, as HTML.
pub(super) fn page(run: &Recorded) -> String {
    page::page(&Timings::of(run))
}

/// The trace, in the Trace Event Format.
pub(super) fn trace(run: &Recorded) -> String {
    trace::trace(&Timings::of(run))
}
