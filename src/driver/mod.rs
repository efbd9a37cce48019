//! Where docker and buildkit meet: implements [`Builder`](crate::schedule::Builder) over the
//! BuildKit inside a Docker Engine.
//!
//! | module | what it does |
//! |---|---|
//! | [`build`] | one request: the solve, its events, its failure; BuildKit's own lint |
//! | [`classify`] | what BuildKit's error text means |
//! | [`sessions`] | what BuildKit asks this machine for: directories, logins, secrets, SSH agents |
//! | [`caches`] | caches beyond the engine |
//! | [`bases`] | the images that a cell is built on |
//! | [`capabilities`] | what an engine can do |
//! | [`preflight`](mod@preflight) | what prevents a run, known before anything is built |
//! | [`stalled`] | steps that wait for a registry which does not answer |
//! | [`smoke`] | a builder around a builder: an image is pushed after it passed its smoke test |
//! | [`verified`] | another one: a push is reported when the registry has it |
//! | [`redacted`] | another one: no login appears in what the others report |
//! | [`leftovers`] | what runs that were killed left on the engine, removed |

mod bases;
mod build;
mod caches;
mod capabilities;
mod classify;
mod environment;
mod leftovers;
mod obstacle;
mod preflight;
mod redacted;
#[cfg(test)]
mod samples;
mod sessions;
mod smoke;
mod stalled;
mod verified;

pub use bases::platforms::BaseFault;
pub use build::builder::EngineBuilder;
pub use build::lint::Lint;
pub use caches::leave_out_idle;
pub use capabilities::{has_lint, unusable};
pub use environment::{Environment, cache_directory};
pub use obstacle::Obstacle;
pub use preflight::access::refused;
pub use preflight::local::missing;
pub use preflight::preflight;
pub use redacted::Redacted;
pub use sessions::secrets::{HeldSecrets, SecretReader};
pub use smoke::Tested;
pub use stalled::limit::REGISTRY_TIMEOUT;
pub use verified::Verified;
