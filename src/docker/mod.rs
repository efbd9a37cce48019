//! Access to Docker Engines: finds the endpoint, calls its API, and looks up the logins that
//! `docker login` stored.
//!
//! Nothing here builds. Containers are created and inspected on behalf of the caller. The stream to the
//! engine's BuildKit is opened here; other modules implement its protocol.
//! Environment variables are passed in; this module does not read any itself.

mod builders;
mod config;
mod connections;
mod container;
mod credentials;
mod endpoint;
mod engine;
mod file;
mod headers;
mod json;
mod limits;
mod listed;
mod load;
mod places;
mod proxies;
mod relay;
mod saved;
mod service;
mod silence;
mod ssh;
mod stored;

#[cfg(test)]
mod tests;

pub(crate) use builders::{Builders, InvalidBuilder, StoredBuilder, StoredNode};
pub use config::DockerConfig;
pub(crate) use config::config_path;
pub(crate) use container::{Bind, ContainerError, Launch, Output, State};
pub use credentials::Credentials;
pub(crate) use credentials::{AUTH_VARIABLE, CredentialError, Login, Secret, Stored};
pub(crate) use endpoint::{
    DEFAULT_SOCKET, Endpoint, InvalidEndpoint, SshTarget, host_and_port, who_controls,
    with_nearest_scheme, without_login,
};
pub use engine::Engine;
pub(crate) use engine::{EngineError, EngineVersion, NOT_THROUGH, NoStream, Refused};
pub(crate) use file::Start;
pub use places::Places;
pub(crate) use places::{Candidate, FLAG, InvalidPlace, TlsSettings};
pub(crate) use proxies::PassedProxies;
pub(crate) use proxies::password;
pub(crate) use saved::InvalidContext;
pub(crate) use service::{Service, ServiceLimits};
