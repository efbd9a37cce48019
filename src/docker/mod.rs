//! Docker as a place to reach: which endpoint, how to open a stream to it, what its API says.
//!
//! Nothing here builds. BuildKit's two streams are opened here ([`Engine::upgrade`]) and spoken on
//! elsewhere.

mod endpoint;
mod engine;

pub use endpoint::{Candidate, Endpoint, InvalidEndpoint, Places, candidates};
pub use engine::{Engine, EngineError, EngineFacts};
