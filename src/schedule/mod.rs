//! Runs builds: bounded, keep-going, cancellable. Knows a `Builder`, not BuildKit.
//!
//! Requests go in, one outcome for each comes out in the same order, whatever happened: a cell
//! that failed, was stopped, never started or hit a bug of ours has its outcome too.

mod builder;
mod run;

pub use builder::{Builder, Events};
pub use run::{Options, run};
