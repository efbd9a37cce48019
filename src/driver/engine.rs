//! Builds cells on the BuildKit inside a Docker Engine.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::buildkit::Client;
use crate::buildkit::session::filesend::{FileSend, OutputError};
use crate::docker::{Credentials, Engine, EngineError};
use crate::event::{Event, Warning};
use crate::image::Platform;
use crate::outcome::{Built, CellResult, Failure};
use crate::plan::{BuildRequest, FileOutput, NamedContext, Output};
use crate::schedule::{Builder, Events};

use super::bases::Digests;
use super::cache_folders::{CacheFolderError, CacheFolders};
use super::failure::{UNWRITTEN, failure};
use super::machine::Environment;
use super::request::{Offered, solve};
use super::sessions::{Needs, Open, Own, SessionError, Sessions};
use super::watch::watch;
use super::words::login_host;

/// How many changes of progress wait for the display before BuildKit's stream is slowed.
const PROGRESS: usize = 64;

/// A [`Builder`] over one engine; all its cells share one control connection.
pub struct EngineBuilder {
    pub(super) client: Client,
    pub(super) sessions: Sessions,
    pub(super) environment: Environment,
    pub(super) digests: Digests,
}

impl EngineBuilder {
    /// Opens the control connection. Secrets, SSH agents and the cache of GitHub Actions are found
    /// through `environment`.
    pub async fn open(
        engine: Engine,
        credentials: Arc<Credentials>,
        environment: Environment,
    ) -> Result<Self, EngineError> {
        let endpoint = engine.endpoint().clone();
        let io = engine.upgrade("/grpc", &[]).await?;
        let client = Client::connect(io).await.map_err(|error| EngineError::Upgrade {
            endpoint,
            path: "/grpc",
            reason: error.to_string(),
        })?;
        let sessions = Sessions::new(engine, credentials, environment);
        Ok(Self { client, sessions, environment, digests: Digests::default() })
    }

    /// The platforms that the engine runs, emulated ones included.
    pub async fn platforms(&self) -> Result<Vec<Platform>, String> {
        let platforms =
            self.client.platforms().await.map_err(|status| status.message().to_owned())?;
        let parse = |platform: bollard_buildkit_proto::pb::Platform| {
            let parts = [platform.os, platform.architecture, platform.variant];
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("/").parse().ok()
        };
        Ok(platforms.into_iter().filter_map(parse).collect())
    }

    /// Closes the sessions; cells still building fail.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    async fn build_cell(
        &self,
        request: &BuildRequest,
        events: &Events,
    ) -> Result<Built, Box<Failure>> {
        let needs = Needs::of(request, self.environment);
        let Output::File { kind, dest } = &request.options.output else {
            let session = self.sessions.shared(&needs).await?;
            return self.build_in(&session, request, events).await;
        };
        let target = match kind {
            FileOutput::Local => FileSend::to_folder(dest)?,
            _ if dest == Path::new("-") => FileSend::to_writer(std::io::stdout()),
            FileOutput::Oci | FileOutput::Docker | FileOutput::Tar => FileSend::to_file(dest)?,
        };
        let Own(session) = &self.sessions.own(&needs, &target).await?;
        match self.build_in(session, request, events).await {
            Ok(built) => {
                target.commit()?;
                Ok(built)
            }
            Err(mut failure) => {
                // BuildKit knows only that our side broke off.
                if let Some(fault) = target.fault() {
                    failure.message = fault;
                }
                target.discard();
                Err(failure)
            }
        }
    }

    async fn build_in(
        &self,
        session: &Open,
        request: &BuildRequest,
        events: &Events,
    ) -> Result<Built, Box<Failure>> {
        let pinned = match &request.pin {
            Some(pin) => Some(self.pinned(session, request, pin).await?),
            None => None,
        };
        let request = pinned.as_ref().unwrap_or(request);
        let filename = format!("{}.Dockerfile", request.cell);
        session.dockerfiles.insert(&filename, request.dockerfile.text.clone()).map_err(told)?;
        if let Some(ignore) = &request.dockerignore {
            let name = format!("{filename}.dockerignore");
            session.dockerfiles.insert(&name, ignore.as_bytes().to_vec()).map_err(told)?;
        }

        let mut folders = HashMap::new();
        for (name, context) in &request.contexts {
            if let NamedContext::Folder(folder) = context {
                folders.insert(name.as_str(), session.offer(folder).map_err(told)?);
            }
        }
        let (caches, trouble) = CacheFolders::offer(request, &self.sessions.content).await?;
        warn(request, trouble, events).await;
        let offered = Offered {
            session: &session.id,
            filename: &filename,
            folders,
            cache_from: &caches.from,
            cache_to: &caches.to,
        };

        let (sender, progress) = mpsc::channel(PROGRESS);
        let solving = self.client.solve(solve(request, &offered, self.environment), sender);
        let watching = watch(&request.cell, &request.dockerfile, progress, events);
        let (solved, seen) = tokio::join!(solving, watching);
        let solved = match solved {
            Ok(solved) => solved,
            Err(error) => {
                let had_login = match login_host(&error.message) {
                    Some(host) => self.sessions.has_login(&host).await,
                    None => false,
                };
                let mut failure = failure(&error, &seen, request, &filename, had_login);
                if let Some(fault) = caches.fault(&error.message) {
                    failure.message = fault;
                }
                return Err(Box::new(failure));
            }
        };
        warn(request, caches.commit(solved.cache_manifest).await?, events).await;

        let pushed = matches!(request.options.output, Output::Push | Output::StoreAndPush);
        let (cached_steps, total_steps) = seen.steps();
        Ok(Built {
            digest: solved.digest.and_then(|digest| digest.parse().ok()),
            pushed: if pushed { request.references.clone() } else { Vec::new() },
            cached_steps,
            total_steps,
        })
    }
}

async fn warn(request: &BuildRequest, messages: Vec<String>, events: &Events) {
    for message in messages {
        let warning = Warning { line: None, message, url: None };
        let _ = events.send(Event::Warning { cell: request.cell.clone(), warning }).await;
    }
}

/// A failure that is no fault of the Dockerfile.
fn told(error: impl std::fmt::Display) -> Box<Failure> {
    Box::new(Failure { message: error.to_string(), ..Failure::default() })
}

impl From<SessionError> for Box<Failure> {
    fn from(error: SessionError) -> Self {
        told(error)
    }
}

impl From<CacheFolderError> for Box<Failure> {
    fn from(error: CacheFolderError) -> Self {
        Box::new(Failure { help: Some(UNWRITTEN.to_owned()), ..*told(error) })
    }
}

impl From<OutputError> for Box<Failure> {
    fn from(error: OutputError) -> Self {
        told(error)
    }
}

impl Builder for EngineBuilder {
    async fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> CellResult {
        tokio::select! {
            // Dropping the solve resets its stream, by which BuildKit cancels it.
            () = cancel.cancelled() => CellResult::Cancelled,
            result = self.build_cell(request, events) => match result {
                Ok(built) => CellResult::Built(built),
                Err(failure) => CellResult::Failed(failure),
            }
        }
    }
}
