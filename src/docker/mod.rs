//! Docker as a place to reach: which endpoint, how to open a stream to it, what its API says, and
//! the logins that `docker login` keeps.
//!
//! Nothing here builds; containers are made and watched for who has a use for them. BuildKit's two streams are opened here ([`Engine::upgrade`]) and spoken on
//! elsewhere. Values of the environment are handed in; this room reads no variable of its own.

mod config;
mod container;
mod credentials;
mod endpoint;
mod engine;

pub use config::{DockerConfig, config_path};
pub use container::{Bind, ContainerError, Launch, Output, State};
pub use credentials::{CredentialError, Credentials, Login, Secret};
pub use endpoint::{Candidate, Endpoint, InvalidEndpoint, Places, candidates};
pub use engine::{Engine, EngineError, EngineFacts};
