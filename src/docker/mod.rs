//! Docker as a place to reach: which endpoint, how to open a stream to it (a socket, TLS or `ssh`),
//! what its API says, and the logins that `docker login` keeps.
//!
//! Nothing here builds; containers are made and watched for who has a use for them. BuildKit's two streams are opened here ([`Engine::upgrade`]) and spoken on
//! elsewhere. Values of the environment are handed in; this room reads no variable of its own.

mod config;
mod container;
mod credentials;
mod dial;
mod endpoint;
mod engine;
mod file;
mod limits;
mod listed;
mod places;
mod saved;
mod silence;
mod ssh;
mod tls;

#[cfg(test)]
mod tests;

pub use config::{DockerConfig, config_path};
pub use container::{Bind, ContainerError, Launch, Output, State};
pub use credentials::{CredentialError, Credentials, Login, Secret};
pub use endpoint::{Endpoint, InvalidEndpoint, SshTarget};
pub use engine::{Engine, EngineError, EngineFacts, EngineVersion};
pub use file::Start;
pub use places::{Candidate, FLAG, InvalidPlace, Places, TlsSettings, candidates};
pub use saved::InvalidContext;
pub use tls::{InvalidTls, TlsFiles, causes, certificate_fault};
