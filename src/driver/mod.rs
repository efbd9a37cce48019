//! Implements [`Builder`](crate::schedule::Builder) on the BuildKit inside a Docker Engine. Connects
//! the modules `docker` and `buildkit`.
//!
//! | module | what it does |
//! |---|---|
//! | [`build`] | one request: the solve, its events, its failure; BuildKit's own lint |
//! | [`classify`] | what BuildKit's error messages mean |
//! | [`sessions`] | what BuildKit asks this machine for: directories, logins, secrets, SSH agents |
//! | [`caches`] | caches outside the engine |
//! | [`bases`] | base images of cells |
//! | [`capabilities`] | what an engine can do |
//! | [`preflight`](mod@preflight) | checks before anything is built |
//! | [`stalled`] | steps that wait for a registry that does not answer |
//! | [`smoke`] | a wrapper of a builder: pushes an image only after its smoke test passed |
//! | [`verified`] | a wrapper: reports a push only when the registry has the image |
//! | [`hashed`] | a wrapper: adds hashes of what a pushed image was built from |
//! | [`limited`] | a wrapper: time limits of a cell and of its steps |
//! | [`retried`] | a wrapper: builds a cell again after a temporary failure |
//! | [`disk`] | the engine's disk: no cell starts when it is nearly full |
//! | [`outage`] | waits for a lost engine, for all cells of a run |
//! | [`redacted`] | a wrapper: removes logins from the reports of the others |
//! | [`leftovers`] | removes what killed runs left on the engine |

mod bases;
mod build;
mod caches;
mod capabilities;
mod classify;
mod disk;
mod environment;
mod hashed;
mod leftovers;
mod limited;
mod obstacle;
mod outage;
mod preflight;
mod redacted;
mod retried;
#[cfg(test)]
mod samples;
mod sessions;
mod smoke;
mod stalled;
mod tail;
mod verified;

pub(crate) use bases::platforms::BaseFault;
pub use build::builder::EngineBuilder;
pub(crate) use build::lint::{Lint, LintError, NotLinted};
pub(crate) use build::unplaced::wrong_pattern;
pub(crate) use caches::idle::IdleCaches;
pub use disk::EngineDisk;
pub(crate) use environment::{Environment, cache_directory};
pub(crate) use hashed::{Hashed, Hashes};
pub(crate) use limited::Limited;
pub(crate) use obstacle::Obstacle;
pub use outage::Outage;
pub(crate) use preflight::access::refused;
pub(crate) use preflight::local::missing;
pub(crate) use preflight::preflight;
pub(crate) use redacted::Redacted;
pub use retried::Retried;
pub use sessions::secrets::HeldSecrets;
pub(crate) use sessions::secrets::SecretReader;
pub(crate) use smoke::SmokeTested;
pub use stalled::limit::REGISTRY_TIMEOUT;
pub use verified::Verified;
