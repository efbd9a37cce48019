//! Runs builds: bounded, keep-going, cancellable. Knows a `Builder`, not BuildKit.

mod builder;

pub use builder::{Builder, Events};
