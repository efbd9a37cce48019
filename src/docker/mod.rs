//! Access to Docker Engines: finds the endpoint, opens a stream to it (a socket, TLS or `ssh`),
//! calls its API, and looks up the logins that `docker login` stored.
//!
//! Nothing here builds. Containers are created and inspected on behalf of the caller. BuildKit's
//! two streams are opened here ([`Engine::upgrade`]); other modules implement their protocols.
//! Environment variables are passed in; this module does not read any itself.

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
