//! Creates, inspects and removes containers of an engine. Policy is the caller's.
//!
//! Source: <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container>

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use bollard::body_full;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, HealthConfig, HealthStatusEnum, HostConfig, HostConfigLogConfig, Mount,
    MountType,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, StartContainerOptions,
    UploadToContainerOptionsBuilder, WaitContainerOptions,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use thiserror::Error;

use super::Engine;
use crate::dial::explained;
use crate::image::{Platform, Reference};

/// How long the engine may take to create a container: it also unpacks layers that are not unpacked
/// yet.
const CREATE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// How long the engine may take to start a container on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// How long the engine may take to stop and remove a container. After that, removal has failed.
const REMOVAL_GRACE: Duration = Duration::from_secs(60);

/// The settings of a container to create.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The container's name, which identifies it in all later calls.
    pub name: String,
    pub image: Reference,
    pub platform: Platform,
    /// Replaces the image's entrypoint and command. `None` keeps them, and the image's health
    /// check.
    pub command: Option<Vec<String>>,
    /// `NAME=value`, in addition to the image's own variables.
    pub env: Vec<String>,
    pub binds: Vec<Bind>,
    pub privileged: bool,
    pub labels: HashMap<String, String>,
}

/// A path of the engine's machine that is mounted into a container. Unlike a volume of `docker
/// run`, it must exist: nothing is created on that machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    pub host: String,
    pub container: String,
    pub read_only: bool,
}

/// The state of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub running: bool,
    pub exit_code: i64,
    /// The kernel killed it because it ran out of memory.
    pub out_of_memory: bool,
    /// Whether its image has a health check.
    pub is_checked: bool,
    /// The result of the check; `None` before the first result.
    pub healthy: Option<bool>,
    /// The output of the last check.
    pub check_output: String,
    /// The last check was stopped because it exceeded the image's timeout.
    pub check_timed_out: bool,
}

/// The output of a container, in chunks that need not be lines.
pub(crate) type Output = Pin<Box<dyn Stream<Item = Result<Bytes, ContainerError>> + Send>>;

/// Why a request failed, in the engine's words.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct ContainerError {
    pub message: String,
    /// The object does not exist.
    pub is_missing: bool,
    /// The engine did not answer in time.
    pub is_unanswered: bool,
    /// There was no connection to the engine, or it was lost.
    pub is_lost: bool,
}

impl ContainerError {
    /// The engine's own words.
    pub(super) fn said(message: String) -> Self {
        Self { message, is_missing: false, is_unanswered: false, is_lost: false }
    }

    fn unanswered() -> Self {
        let message = "the engine did not answer in time".to_owned();
        Self { is_unanswered: true, ..Self::said(message) }
    }
}

impl From<Error> for ContainerError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self { is_missing: status_code == 404, ..Self::said(message) }
            }
            Error::RequestTimeoutError => Self::unanswered(),
            lost @ (Error::IOError { .. } | Error::HyperResponseError { .. }) => {
                Self { is_lost: true, ..Self::said(explained(&lost)) }
            }
            other => Self::said(explained(&other)),
        }
    }
}

pub(super) type Done<T> = Result<T, ContainerError>;

impl Engine {
    /// Creates a container without starting it.
    pub async fn create_container(&self, launch: &Launch) -> Done<()> {
        let mounts = launch.binds.iter().map(|bind| Mount {
            source: Some(bind.host.clone()),
            target: Some(bind.container.clone()),
            typ: Some(MountType::BIND),
            read_only: Some(bind.read_only),
            ..Mount::default()
        });
        let unchecked =
            HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() };
        let body = ContainerCreateBody {
            image: Some(launch.image.to_string()),
            entrypoint: launch.command.clone(),
            healthcheck: launch.command.as_ref().map(|_| unchecked),
            env: Some(launch.env.clone()),
            labels: Some(launch.labels.clone()),
            host_config: Some(HostConfig {
                mounts: Some(mounts.collect()),
                privileged: Some(launch.privileged),
                // The output is read as it arrives, so that it never fills the engine's disk.
                log_config: Some(HostConfigLogConfig {
                    typ: Some("none".to_owned()),
                    config: None,
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default()
            .name(&launch.name)
            .platform(&launch.platform.to_string());
        let docker = self.docker.clone().with_timeout(CREATE_TIMEOUT);
        docker.create_container(Some(options.build()), body).await?;
        Ok(())
    }

    /// Unpacks a tar archive at the root of a container.
    pub async fn upload(&self, container: &str, archive: Vec<u8>) -> Done<()> {
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let archive = body_full(archive.into());
        Ok(self.docker.upload_to_container(container, Some(options), archive).await?)
    }

    /// The output of a container that has not been started yet, until it ends.
    pub async fn attach(&self, container: &str) -> Done<Output> {
        let options =
            AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true);
        let attached = self.docker.attach_container(container, Some(options.build())).await?;
        Ok(pieces(attached.output))
    }

    pub async fn start_container(&self, container: &str) -> Done<()> {
        let docker = self.docker.clone().with_timeout(START_TIMEOUT);
        Ok(docker.start_container(container, None::<StartContainerOptions>).await?)
    }

    /// Waits until a started container ends; returns its exit code.
    pub async fn wait(&self, container: &str) -> Done<i64> {
        let mut waiting =
            std::pin::pin!(self.docker.wait_container(container, None::<WaitContainerOptions>));
        match waiting.next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::RequestTimeoutError.into()),
        }
    }

    /// The current state of a container.
    pub async fn state(&self, container: &str) -> Done<State> {
        let found =
            self.docker.inspect_container(container, None::<InspectContainerOptions>).await?;
        let check = found.config.and_then(|config| config.healthcheck);
        let check = check.and_then(|check| check.test).unwrap_or_default();
        let state = found.state.unwrap_or_default();
        let health = state.health.unwrap_or_default();
        let last = health.log.unwrap_or_default().pop().unwrap_or_default();
        Ok(State {
            running: state.running.unwrap_or(false),
            exit_code: state.exit_code.unwrap_or(0),
            out_of_memory: state.oom_killed.unwrap_or(false),
            is_checked: check.first().is_some_and(|kind| kind != "NONE"),
            healthy: match health.status {
                Some(HealthStatusEnum::HEALTHY) => Some(true),
                Some(HealthStatusEnum::UNHEALTHY) => Some(false),
                _ => None,
            },
            // The engine reports -1 if it did not wait for the check to end.
            check_timed_out: last.exit_code == Some(-1),
            check_output: last.output.unwrap_or_default(),
        })
    }

    /// Runs a command in a running container; returns the command's id and its output.
    pub async fn exec(
        &self,
        container: &str,
        command: Vec<String>,
        privileged: bool,
    ) -> Done<(String, Output)> {
        let options = CreateExecOptions {
            cmd: Some(command),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            privileged: Some(privileged),
            ..CreateExecOptions::default()
        };
        let id = self.docker.create_exec(container, options).await?.id;
        match self.docker.start_exec(&id, None).await? {
            StartExecResults::Attached { output, .. } => Ok((id, pieces(output))),
            StartExecResults::Detached => Ok((id, Box::pin(futures::stream::empty()))),
        }
    }

    /// The exit code of a command whose output has ended.
    pub async fn exec_exit(&self, id: &str) -> Done<Option<i64>> {
        Ok(self.docker.inspect_exec(id).await?.exit_code)
    }

    /// Stops a container and removes it with its anonymous volumes. A container that does not exist
    /// is not an error.
    pub async fn remove_container(&self, container: &str) -> Done<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let docker = self.docker.clone().with_timeout(REMOVAL_GRACE);
        gone(self.removed(docker.remove_container(container, Some(options))).await)
    }

    /// Removes a name from the image store, and all content that no other name refers to.
    pub async fn remove_image(&self, image: &Reference) -> Done<()> {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let image = image.to_string();
        let removed = self.removed(self.docker.remove_image(&image, Some(options), None)).await;
        gone(removed.map(|removed| removed.map(drop)))
    }
}

fn gone(removed: Option<Result<(), Error>>) -> Done<()> {
    let removed = removed.map(|removed| removed.map_err(ContainerError::from));
    removed.unwrap_or_else(|| Err(ContainerError::unanswered())).or_else(|error| {
        match error.is_missing {
            true => Ok(()),
            false => Err(error),
        }
    })
}

fn pieces(
    output: impl Stream<Item = Result<bollard::container::LogOutput, Error>> + Send + 'static,
) -> Output {
    Box::pin(output.map(|piece| Ok(piece?.into_bytes())))
}
