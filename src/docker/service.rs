//! Containers that stay: the engine starts them again after it restarts. Images for them.
//!
//! Source: <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container>

use std::collections::HashMap;

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, HostConfig, Mount, MountType, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, InspectContainerOptions,
    LogsOptionsBuilder, RemoveVolumeOptions,
};
use futures::{StreamExt as _, TryStreamExt as _};

use super::container::{ContainerError, Done};
use super::{Engine, Login};
use crate::image::Reference;

/// How many lines of a container's log are read.
const LAST_LINES: &str = "5";

/// The settings of a container that stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Service {
    pub name: String,
    pub image: String,
    /// The arguments of the image's entrypoint.
    pub arguments: Vec<String>,
    /// `NAME=value`, in addition to the image's own variables.
    pub env: Vec<String>,
    pub labels: HashMap<String, String>,
    /// A volume, and where it is mounted.
    pub volume: (String, String),
    pub limits: ServiceLimits,
}

/// What `docker run` has flags for. Unset values are the engine's defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServiceLimits {
    pub network: Option<String>,
    pub cgroup_parent: Option<String>,
    pub cpuset_cpus: Option<String>,
    /// In microseconds for each period of 100 ms.
    pub cpu_quota: Option<i64>,
    /// In bytes.
    pub memory: Option<i64>,
}

/// A container that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundService {
    pub image: String,
    pub labels: HashMap<String, String>,
    pub running: bool,
    pub exit_code: i64,
}

impl Engine {
    /// Whether the engine has this image.
    pub(crate) async fn has_image(&self, image: &Reference) -> Done<bool> {
        match self.docker.inspect_image(&image.to_string()).await.map_err(ContainerError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Pulls an image from its registry.
    pub(crate) async fn pull(&self, image: &Reference, login: Option<Login>) -> Done<()> {
        let login = login.map(|login| match login {
            Login::Password { username, password } => DockerCredentials {
                username: Some(username),
                password: Some(password.expose().to_owned()),
                ..DockerCredentials::default()
            },
            Login::IdentityToken(token) => DockerCredentials {
                identitytoken: Some(token.expose().to_owned()),
                ..DockerCredentials::default()
            },
        });
        let options = CreateImageOptionsBuilder::default().from_image(&image.to_string()).build();
        let mut progress = std::pin::pin!(self.docker.create_image(Some(options), None, login));
        while let Some(part) = progress.try_next().await? {
            let said = part.error_detail.and_then(|detail| detail.message);
            if let Some(message) = said {
                return Err(ContainerError::said(message));
            }
        }
        Ok(())
    }

    /// Creates a privileged container, unless there is one of this name. It is not started.
    pub(crate) async fn create_service(&self, service: &Service) -> Done<()> {
        let Service { name, image, arguments, env, labels, volume, limits } = service;
        let body = ContainerCreateBody {
            image: Some(image.clone()),
            cmd: Some(arguments.clone()),
            env: Some(env.clone()),
            labels: Some(labels.clone()),
            host_config: Some(HostConfig {
                privileged: Some(true),
                init: Some(true),
                mounts: Some(vec![Mount {
                    source: Some(volume.0.clone()),
                    target: Some(volume.1.clone()),
                    typ: Some(MountType::VOLUME),
                    ..Mount::default()
                }]),
                restart_policy: Some(RestartPolicy {
                    name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
                    maximum_retry_count: None,
                }),
                network_mode: limits.network.clone(),
                cgroup_parent: limits.cgroup_parent.clone(),
                cpuset_cpus: limits.cpuset_cpus.clone(),
                cpu_quota: limits.cpu_quota,
                memory: limits.memory,
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        match self.docker.create_container(Some(options), body).await {
            // Another run was faster.
            Err(Error::DockerResponseServerError { status_code: 409, .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The container of this name, if there is one.
    pub(crate) async fn service(&self, name: &str) -> Done<Option<FoundService>> {
        let found = self.docker.inspect_container(name, None::<InspectContainerOptions>).await;
        let found = match found.map_err(ContainerError::from) {
            Ok(found) => found,
            Err(error) if error.is_missing => return Ok(None),
            Err(error) => return Err(error),
        };
        let (config, state) = (found.config.unwrap_or_default(), found.state.unwrap_or_default());
        Ok(Some(FoundService {
            image: config.image.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            // One that ends again and again runs in between.
            running: state.running.unwrap_or(false) && !state.restarting.unwrap_or(false),
            exit_code: state.exit_code.unwrap_or(0),
        }))
    }

    /// The last lines that a container wrote.
    pub(crate) async fn last_lines(&self, name: &str) -> Done<String> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(LAST_LINES);
        let pieces: Vec<_> = self.docker.logs(name, Some(options.build())).collect().await;
        let text = pieces.into_iter().map(|piece| Ok(piece?.to_string()));
        text.collect::<Result<String, Error>>().map_err(ContainerError::from)
    }

    /// Removes a volume. One that does not exist is not an error.
    pub(crate) async fn remove_volume(&self, name: &str) -> Done<()> {
        let removed = self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await;
        match removed.map_err(ContainerError::from) {
            Err(error) if !error.is_missing => Err(error),
            Err(_) | Ok(()) => Ok(()),
        }
    }
}
