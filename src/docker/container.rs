//! Containers of an engine: made, watched, removed. Policy is the caller's.
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
use crate::image::{Platform, Reference};

/// How long the engine may take to make a container: layers that it has not unpacked yet are
/// unpacked then.
const CREATE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// How long it may take to start one on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// How long it may take to end one and remove it. After that it is given up.
const REMOVAL_GRACE: Duration = Duration::from_secs(60);

/// A container to be.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Its name, by which it is known from then on.
    pub name: String,
    pub image: Reference,
    pub platform: Platform,
    /// What runs in place of the image's entrypoint and command; none leaves these, and its health
    /// check, as they are.
    pub command: Option<Vec<String>>,
    /// `NAME=value`, beside the image's own.
    pub env: Vec<String>,
    pub binds: Vec<Bind>,
    pub privileged: bool,
    pub labels: HashMap<String, String>,
}

/// A path of the engine's machine that is seen in a container. Unlike a volume of `docker run` it
/// has to be there: nothing is made on that machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    pub host: String,
    pub container: String,
    pub read_only: bool,
}

/// How a container is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub running: bool,
    pub exit_code: i64,
    /// The kernel stopped it for want of memory.
    pub out_of_memory: bool,
    /// Whether its image has a health check.
    pub is_checked: bool,
    /// What the check found; none as long as it has found nothing.
    pub healthy: Option<bool>,
    /// What the last check wrote.
    pub check_output: String,
    /// The last check was ended since it took longer than the image allows.
    pub check_timed_out: bool,
}

/// What a container writes, in pieces that need not be lines.
pub type Output = Pin<Box<dyn Stream<Item = Result<Bytes, ContainerError>> + Send>>;

/// Why the engine did not do it, in its own words.
#[derive(Debug, Clone, Error)]
#[error("{message}")]
pub struct ContainerError {
    pub message: String,
    /// There is no such thing.
    pub is_missing: bool,
    /// It did not answer in time.
    pub is_unanswered: bool,
}

impl ContainerError {
    fn unanswered() -> Self {
        let message = "the engine did not answer in time".to_owned();
        Self { message, is_missing: false, is_unanswered: true }
    }
}

impl From<Error> for ContainerError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self { message, is_missing: status_code == 404, is_unanswered: false }
            }
            Error::RequestTimeoutError => Self::unanswered(),
            other => Self { message: other.to_string(), is_missing: false, is_unanswered: false },
        }
    }
}

pub(super) type Done<T> = Result<T, ContainerError>;

impl Engine {
    /// Makes a container, which does not run yet.
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
                // What it writes is read as it comes, and never fills the engine's disk.
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

    /// What a container that has not been started yet will write, until it ends.
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

    /// Waits for the end of a container that was started; gives its exit code.
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

    /// How a container is now.
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
            // So the engine says that it did not wait for the end of the check.
            check_timed_out: last.exit_code == Some(-1),
            check_output: last.output.unwrap_or_default(),
        })
    }

    /// Runs a command in a container that runs; gives what identifies it, and what it writes.
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

    /// Ends a container and removes it with its anonymous volumes; one that is not there is fine.
    pub async fn remove_container(&self, container: &str) -> Done<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let docker = self.docker.clone().with_timeout(REMOVAL_GRACE);
        gone(self.removed(docker.remove_container(container, Some(options))).await)
    }

    /// Takes a name out of the image store; what no other name leads to goes with it.
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
