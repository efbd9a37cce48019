//! Why there is no node.

use std::borrow::Cow;

use thiserror::Error;

use super::abilities::Unusable;
use super::address::Buildkitd;
use crate::dial::NOT_IN_PATH;
use crate::docker::{ContainerError, Endpoint, EngineError, NOT_THROUGH};
use crate::image::Reference;

/// Why there is no node.
#[derive(Debug, Error)]
pub enum NodeError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine is too old, or has no BuildKit.
    #[error("{}", .0.message)]
    Unusable(Unusable),
    /// The engine answers, but no way leads to its BuildKit. Each way with the reason.
    #[error("{endpoint} does not lead to BuildKit: {}", all(.tried))]
    NoBuildKit { endpoint: Endpoint, tried: Vec<(&'static str, String)> },
    #[error(transparent)]
    Builder(#[from] BuilderError),
    #[error("no buildkitd answers at {address}: {reason}")]
    NoBuildkitd { address: Buildkitd, reason: String },
    /// The Docker API answers there.
    #[error("no buildkitd answers at {address}: {found}")]
    DockerThere { address: Buildkitd, found: String, help: String },
}

fn all(tried: &[(&'static str, String)]) -> String {
    let tried: Vec<_> = tried.iter().map(|(way, reason)| format!("{way}: {reason}")).collect();
    tried.join("; ")
}

impl NodeError {
    /// What to do about it, if it is known.
    pub(crate) fn help(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::NoBuildkitd { reason, .. } if reason.contains(NOT_IN_PATH) => {
                Some("install it, or add its directory to PATH".into())
            }
            Self::NoBuildkitd { address: Buildkitd::DockerContainer { name }, reason } => {
                Some(in_container(name, reason).into())
            }
            Self::NoBuildkitd { address, .. } if let Some(command) = address.check() => {
                Some(format!("check that buildkitd runs there: {command}").into())
            }
            _ => self.usual_help().map(Cow::Borrowed),
        }
    }

    fn usual_help(&self) -> Option<&str> {
        match self {
            Self::Engine(error) => error.help(),
            Self::Unusable(Unusable { help, .. }) | Self::DockerThere { help, .. } => Some(help),
            Self::NoBuildKit { .. } => Some(NOT_THROUGH),
            Self::Builder(error) => Some(error.help()),
            Self::NoBuildkitd { address, .. } => Some(match address {
                Buildkitd::Unix(_) => "check that buildkitd runs and listens there",
                Buildkitd::Tcp { .. } => {
                    "check that buildkitd listens there, and that ?cacert=, &cert= and &key= name the \
                     certificates that it requires"
                }
                Buildkitd::DockerContainer { .. }
                | Buildkitd::PodmanContainer { .. }
                | Buildkitd::KubePod { .. } => "check that buildkitd runs there",
            }),
        }
    }
}

/// Why the builder cannot be used.
#[derive(Debug, Error)]
pub enum BuilderError {
    #[error("{what}: {source}")]
    Engine { what: &'static str, source: ContainerError },
    #[error("the image {image} of the builder cannot be pulled: {reason}")]
    Pull { image: Reference, reason: String },
    #[error("the engine has a container `onebuild_buildkit` that onebuild did not create")]
    Foreign,
    #[error("the builder `onebuild` exists, and was created with other settings")]
    Different,
    #[error("the builder `onebuild` exists")]
    Exists,
    #[error("buildkitd of the builder ended with exit code {code}: {said}")]
    Ended { code: i64, said: String },
    #[error("the image {image} of the builder has no buildkitd")]
    NotBuildkit { image: String },
}

impl BuilderError {
    /// What to do about it.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "check the log of the Docker Engine",
            Self::Pull { .. } => {
                "name an image that the engine has or can pull: onebuild builder create --image REF, or \
                 ONEBUILD_BUILDER_IMAGE"
            }
            Self::Foreign => "rename that container: docker rename onebuild_buildkit NAME",
            Self::Different | Self::Exists => {
                "use it as it is, or remove it first: onebuild builder rm"
            }
            Self::NotBuildkit { .. } => {
                "create it with an image of BuildKit: onebuild builder rm, then onebuild builder create --image REF"
            }
            Self::Ended { .. } => {
                "check its configuration; a builder with other settings needs `onebuild builder rm` first"
            }
        }
    }
}

/// Help for a container of Docker; the engine's words say how far the way to buildkitd leads.
fn in_container(name: &str, reason: &str) -> String {
    if reason.contains("No such container") {
        "check the name, and that the engine is the right one: docker ps --all".to_owned()
    } else if reason.contains("is not running") {
        format!("start the container: docker start {name}")
    } else if reason.contains("is paused") {
        format!("continue the container: docker unpause {name}")
    } else {
        format!(
            "check that the container runs buildkitd: docker exec {name} buildctl debug workers"
        )
    }
}
