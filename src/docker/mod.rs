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
mod json;
mod limits;
mod listed;
mod places;
mod proxies;
mod saved;
mod silence;
mod ssh;
mod stored;
mod tls;

#[cfg(test)]
mod tests;

pub use config::DockerConfig;
pub(crate) use config::config_path;
pub(crate) use container::{Bind, ContainerError, Launch, Output, State};
pub use credentials::Credentials;
pub(crate) use credentials::{AUTH_VARIABLE, CredentialError, Login, Secret, Stored};
pub(crate) use endpoint::{Endpoint, InvalidEndpoint, SshTarget};
pub use engine::{Engine, EngineFacts};
pub(crate) use engine::{EngineError, EngineVersion};
pub(crate) use file::Start;
pub(crate) use places::{Candidate, FLAG, InvalidPlace, TlsSettings};
pub use places::{Places, candidates};
pub(crate) use proxies::PassedProxies;
pub(crate) use proxies::password;
pub(crate) use saved::InvalidContext;
pub(crate) use tls::{InvalidTls, TlsFiles, causes, certificate_fault};
