//! Where docker and buildkit meet: implements [`Builder`](crate::schedule::Builder) over the
//! BuildKit inside a Docker Engine.
//!
//! A cell's way: [`request`] puts it in the frontend's terms, [`sessions`] gives it the session of
//! its context folder, [`bases`] pins what it builds on where that becomes a label,
//! [`base_platforms`] compares the platforms of its base images with its own, both by what [`images`]
//! asks of BuildKit, [`watch`] turns BuildKit's progress into events and gives up a step that waits too
//! long for a registry ([`standstill`], [`registry_limit`]), [`classify`] finds out what
//! BuildKit's error means, and [`failure`] puts it into the terms of the Dockerfile.
//! [`capabilities`] knows what an engine can do. [`preflight`](preflight()) finds out beforehand what
//! of that a run would miss, [`refused`] what the registries refuse, [`missing`] what this machine
//! lacks. [`leftovers`] removes what runs that were killed left on the engine.

mod access;
mod base_platforms;
mod bases;
mod cache_folders;
mod caches;
mod capabilities;
mod classify;
mod engine;
mod failure;
mod folder;
mod images;
mod leftovers;
mod lint;
mod logins;
mod machine;
mod preflight;
mod redacted;
mod registry_limit;
mod request;
#[cfg(test)]
mod samples;
mod secrets;
mod sent;
mod sessions;
mod standstill;
mod tested;
mod verified;
mod waiting;
mod watch;

pub use access::refused;
pub use base_platforms::BaseFault;
pub use caches::leave_out_idle;
pub use capabilities::{has_lint, unusable};
pub use engine::EngineBuilder;
pub use leftovers::Swept;
pub use lint::{Lint, LintWarning};
pub use machine::{Environment, cache_directory, missing};
pub use preflight::{Obstacle, preflight};
pub use redacted::Redacted;
pub use registry_limit::REGISTRY_TIMEOUT;
pub use secrets::{HeldSecrets, SecretReader};
pub use tested::Tested;
pub use verified::Verified;
