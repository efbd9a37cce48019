//! Where docker and buildkit meet: implements [`Builder`](crate::schedule::Builder) over the
//! BuildKit inside a Docker Engine.
//!
//! A cell's way: [`request`] puts it in the frontend's terms, [`sessions`] gives it the session of
//! its context folder, [`bases`] pins what it builds on where that becomes a label, [`watch`] turns
//! BuildKit's progress into events, [`classify`] finds out what BuildKit's error means, and
//! [`failure`] puts it into the terms of the Dockerfile.
//! [`preflight`](preflight()) finds out beforehand what the engine cannot do, [`refused`] what the
//! registries refuse, [`missing`] what this machine lacks.

mod access;
mod bases;
mod cache_folders;
mod caches;
mod classify;
mod engine;
mod failure;
mod folder;
mod lint;
mod logins;
mod machine;
mod preflight;
mod request;
#[cfg(test)]
mod samples;
mod sessions;
mod tested;
mod verified;
mod watch;

pub use access::refused;
pub use caches::leave_out_idle;
pub use engine::EngineBuilder;
pub use lint::{Lint, LintWarning};
pub use machine::{Environment, missing};
pub use preflight::{Obstacle, preflight};
pub use tested::Tested;
pub use verified::Verified;
