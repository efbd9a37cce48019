//! Runs builds: bounded, keep-going, cancellable. It uses a `Builder`, not BuildKit.
//!
//! Requests go in, and one outcome for each comes out, in the same order: also for a cell that
//! failed, was cancelled, never started or panicked.

mod builder;
mod run;

pub(crate) use builder::Events;
pub use builder::{Builder, Job, Slot};
pub(crate) use run::{Options, run};
