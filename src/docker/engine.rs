//! A connected Docker Engine: its API, and the streams to its BuildKit.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker, body_full};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::time::timeout;

use super::connections::Connections;
use super::endpoint::who_controls;
use super::headers::ApiHeaders;
use super::limits::{answer_timeout, silent};
use super::{Candidate, Endpoint};
use crate::debug::Exchange;
use crate::dial::{Dialer, Stream, command_ended, hung_up, is_rejection};
use crate::error::why;
use crate::image::Platform;

/// How long one request to the Docker API may take.
const API_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection to a Docker Engine that has answered once.
#[derive(Debug, Clone)]
pub struct Engine {
    endpoint: Endpoint,
    dialer: Dialer,
    connections: Connections,
    pub(super) docker: Docker,
}

/// The product and version of the engine at an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineVersion {
    /// Such as `28.5.2+dfsg4`; empty if the engine does not report one.
    pub version: String,
    /// The newest API version that the engine supports, such as `1.51`; empty if it does not report
    /// one.
    pub api: String,
    /// The engine is Podman, which has the same API.
    pub is_podman: bool,
}

/// What an engine reports about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// Number of CPU cores of its machine.
    pub cores: NonZeroUsize,
    /// Whether images are kept in containerd's store. Without it, the engine's BuildKit builds one
    /// platform at a time.
    pub containerd_store: bool,
    /// The platform of its machine, which runs without emulation.
    pub native: Platform,
    /// The directory with its data, on its machine.
    pub directory: Option<PathBuf>,
    /// The host name and the kernel of its machine.
    pub machine: (String, String),
}

/// Why the engine could not be used.
#[derive(Debug, Error)]
pub enum EngineError {
    #[error("no Docker Engine answers")]
    NoneAnswers { tried: Vec<(Candidate, io::Error)> },
    #[error("the engine at {endpoint} runs on `{given}`, which is not a known platform")]
    Platform { endpoint: Endpoint, given: String },
    /// The engine accepts connections, but answers neither this request nor a ping.
    #[error("{path} of the engine at {endpoint}: {}", silent(endpoint, *after))]
    Silent { endpoint: Endpoint, path: &'static str, after: Duration },
    #[error("the engine at {endpoint} did not describe itself: {}", unanswered(source))]
    Facts { endpoint: Endpoint, source: bollard::errors::Error },
}

impl EngineError {
    /// Whether sshd closed a connection because of others that had not logged in yet.
    pub(crate) fn is_rejected(&self) -> bool {
        match self {
            Self::NoneAnswers { tried } => tried.iter().any(|(_, reason)| is_rejection(reason)),
            _ => false,
        }
    }

    /// What to do about it, if it is known.
    pub(crate) fn help(&self) -> Option<&'static str> {
        match self {
            Self::Facts { source, .. } if refusal(source).is_some() => Some(NOT_THROUGH),
            _ => None,
        }
    }
}

/// A proxy refuses the first request of the API.
#[derive(Debug, Error)]
#[error("it refuses GET /version: {0}")]
pub(crate) struct Refused(StatusCode);

/// The status with which a proxy, or another program, refuses a request that every engine answers.
fn refusal(error: &bollard::errors::Error) -> Option<StatusCode> {
    use bollard::errors::Error::DockerResponseServerError as Answered;
    match error {
        Answered { status_code: code @ (401 | 403 | 404 | 405), .. } => {
            StatusCode::from_u16(*code).ok()
        }
        _ => None,
    }
}

/// Help for a request that a Docker Engine itself would have answered.
pub(crate) const NOT_THROUGH: &str = "a proxy of the engine's socket must let GET /version, GET /info \
     and POST /grpc (with its Upgrade headers) or gRPC through; if this is not Docker Engine, select \
     one with --host or DOCKER_HOST";

impl Engine {
    /// Connects to the first of `candidates` that answers.
    pub async fn connect(candidates: Vec<Candidate>) -> Result<Self, EngineError> {
        Self::connect_or(candidates, &ApiHeaders::default(), |_, _| {}).await
    }

    /// The same, with these headers in every request; calls `silent` for each candidate that accepts connections but does not answer.
    pub async fn connect_or(
        candidates: Vec<Candidate>,
        headers: &ApiHeaders,
        silent: impl Fn(&Candidate, &io::Error),
    ) -> Result<Self, EngineError> {
        let mut tried = Vec::new();
        for candidate in candidates {
            log_attempt(&candidate, None);
            let answered = async {
                let dialer = Dialer::new(candidate.target()).map_err(io::Error::other)?;
                let endpoint = candidate.endpoint.clone();
                let connections = Connections::new(dialer.clone(), headers.clone());
                let docker = answer(&endpoint, &dialer, &connections).await?;
                Ok(Self { docker, endpoint, dialer, connections })
            };
            match answered.await {
                Ok(engine) => {
                    tracing::debug!(target: "docker", endpoint = %candidate.endpoint, "answers");
                    return Ok(engine);
                }
                Err::<_, io::Error>(reason) => {
                    log_attempt(&candidate, Some(&reason));
                    if reason.kind() == io::ErrorKind::TimedOut {
                        silent(&candidate, &reason);
                    }
                    tried.push((candidate, reason));
                }
            }
        }
        Err(EngineError::NoneAnswers { tried })
    }

    /// The endpoint of the engine.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What opens its streams.
    pub(crate) fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Who can control it, if it is at a port without TLS.
    pub(crate) fn plain(&self) -> Option<&'static str> {
        match &self.endpoint {
            Endpoint::Tcp { host, .. } if self.dialer.is_plain() => Some(who_controls(host)),
            _ => None,
        }
    }

    /// The headers of every call of gRPC on the engine's own socket.
    pub(crate) fn call_headers(&self) -> HeaderMap {
        self.connections.headers().of_calls()
    }

    /// Asks for the version. Every engine answers this request, even very old ones.
    pub async fn version(&self) -> Result<EngineVersion, EngineError> {
        let found = self.asked("/version", self.docker.version()).await?;
        let (version, api) = (found.version.as_deref(), found.api_version.as_deref());
        tracing::debug!(target: "docker", version, api, os = found.os, kernel = found.kernel_version, "engine");
        let components = found.components.unwrap_or_default();
        Ok(EngineVersion {
            version: found.version.unwrap_or_default(),
            api: found.api_version.unwrap_or_default(),
            is_podman: components.iter().any(|component| component.name.starts_with("Podman")),
        })
    }

    /// Asks the engine for its facts.
    pub async fn facts(&self) -> Result<EngineFacts, EngineError> {
        let info = self.asked("/info", self.docker.info()).await?;
        let (os, machine) =
            (info.os_type.unwrap_or_default(), info.architecture.unwrap_or_default());
        let status = info.driver_status.unwrap_or_default();
        let directory = info.docker_root_dir.filter(|path| !path.is_empty()).map(PathBuf::from);
        let (name, kernel) =
            (info.name.unwrap_or_default(), info.kernel_version.unwrap_or_default());
        Ok(EngineFacts {
            directory,
            machine: (name, kernel),
            cores: info
                .ncpu
                .and_then(|cores| NonZeroUsize::new(usize::try_from(cores).ok()?))
                .unwrap_or(NonZeroUsize::MIN),
            native: Platform::of_machine(&os, &machine).map_err(|_| EngineError::Platform {
                endpoint: self.endpoint().clone(),
                given: format!("{os}/{machine}"),
            })?,
            // Graph drivers do not report this row.
            containerd_store: status.iter().any(|row| {
                row.first().is_some_and(|key| key == "driver-type")
                    && row.get(1).is_some_and(|kind| kind.starts_with("io.containerd."))
            }),
        })
    }

    /// Opens a stream for HTTP/2 on the engine's own socket. Engines before 29.2 serve HTTP/1.1 alone.
    pub(crate) async fn dial_http2(&self) -> Result<Box<dyn Stream>, NoStream> {
        let opened = self.unless_silent(self.dialer.dial_http2()).await;
        let opened = opened.ok_or_else(|| NoStream::Silent(self.is_silent("HTTP/2")))?;
        opened.map_err(|error| {
            NoStream::Refused(self.dialer.fault(&error).unwrap_or_else(|| why(&error)))
        })
    }

    /// Opens a stream for HTTP/2 through an upgrade of `POST /grpc`.
    ///
    /// Source: <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Session>
    pub(crate) async fn upgrade(&self) -> Result<TokioIo<Upgraded>, NoStream> {
        let opened = self.unless_silent(upgrade(&self.dialer, &self.connections)).await;
        let opened = opened.ok_or_else(|| NoStream::Silent(self.is_silent(GRPC)))?;
        opened.map_err(NoStream::Refused)
    }

    /// The answer to a request for information about the engine.
    async fn asked<T>(
        &self,
        path: &'static str,
        answer: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, EngineError> {
        let answer = self.unless_silent(answer).await.ok_or_else(|| self.is_silent(path))?;
        let endpoint = self.endpoint().clone();
        answer.map_err(|source| EngineError::Facts { endpoint, source })
    }

    /// The error for an engine that answers neither this request nor a ping.
    pub(crate) fn is_silent(&self, path: &'static str) -> EngineError {
        let endpoint = self.endpoint().clone();
        EngineError::Silent { after: answer_timeout(&endpoint), endpoint, path }
    }
}

/// Logs an attempt to connect to an endpoint, or why it failed.
fn log_attempt(candidate: &Candidate, rejected: Option<&io::Error>) {
    let Candidate { endpoint, origin, tls } = candidate;
    let (tls, reason) = (tls.is_some(), rejected.map(|reason| why(reason)));
    let message = if rejected.is_none() { "trying" } else { "rejected" };
    tracing::debug!(target: "docker", %endpoint, %origin, tls, reason, "{message}");
}

/// Sends one request of the Docker API.
async fn exchange(
    connections: &Connections,
    request: BollardRequest,
) -> Result<http::Response<Incoming>, bollard::errors::Error> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let exchange = Exchange::with_engine(request.method(), target);
    let answered = connections.send(request).await;
    match &answered {
        Ok(response) => exchange.received(response.status(), response.headers()),
        Err(error) => exchange.failed(error),
    }
    answered
}

/// Pings the engine and negotiates the API version.
async fn answer(
    endpoint: &Endpoint,
    dialer: &Dialer,
    connections: &Connections,
) -> io::Result<Docker> {
    let limit = answer_timeout(endpoint);
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, silent(endpoint, limit));
    // An error from connecting (no such file, permission denied, invalid certificate) is clearer
    // than the same error after two HTTP libraries wrapped it.
    timeout(limit, connections.probe()).await.map_err(late)?.map_err(|error| {
        let fault = match command_ended(&error) {
            Some(ended) => Some(io::Error::other(ended.clone())),
            None => dialer.fault(&error).map(io::Error::other),
        };
        fault.unwrap_or_else(|| match error {
            bollard::errors::Error::IOError { err } => err,
            error => io::Error::other(why(&error)),
        })
    })?;
    let transport = {
        let connections = connections.clone();
        move |request: BollardRequest| {
            let connections = connections.clone();
            async move { exchange(&connections, request).await }
        }
    };
    let docker = Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        API_TIMEOUT.as_secs(),
        API_DEFAULT_VERSION,
    );
    let negotiate = async { docker?.negotiate_version().await };
    timeout(limit, negotiate).await.map_err(late)?.map_err(|error: bollard::errors::Error| {
        match refusal(&error) {
            Some(status) => io::Error::other(Refused(status)),
            None => io::Error::other(fault(dialer, &error)),
        }
    })
}

/// Why there was no usable answer.
fn fault(dialer: &Dialer, error: &(dyn std::error::Error + 'static)) -> String {
    // The message of Go's server on a TLS port that receives plain HTTP.
    if error.to_string().contains("HTTP request to an HTTPS server") {
        return "it requires TLS".to_owned();
    }
    let not_docker = || match hung_up(error) {
        true => "it closed the connection without an answer".to_owned(),
        false => format!("it answers, but not like a Docker Engine: {}", unusable(error)),
    };
    dialer.fault(error).unwrap_or_else(not_docker)
}

/// An answer that is not HTTP. What ends a connection before its request was sent has no reason in hyper.
fn unusable(error: &(dyn std::error::Error + 'static)) -> String {
    match why(error) {
        text if text == "operation was canceled" => {
            "the connection ended before a request".to_owned()
        }
        text => text,
    }
}

/// The path of the API that becomes a stream to BuildKit.
const GRPC: &str = "/grpc";

/// Why there is no stream to BuildKit.
#[derive(Debug, Error)]
pub(crate) enum NoStream {
    /// The engine does not answer.
    #[error(transparent)]
    Silent(EngineError),
    /// The engine, or a proxy in front of it, does not offer the stream.
    #[error("{0}")]
    Refused(String),
}

async fn upgrade(dialer: &Dialer, connections: &Connections) -> Result<TokioIo<Upgraded>, String> {
    let request = Request::post(GRPC)
        .header("Connection", "Upgrade")
        .header("Upgrade", "h2c")
        .body(body_full(Bytes::new()))
        .map_err(|error| why(&error))?;
    let opened = async {
        let response = exchange(connections, request).await;
        let response =
            response.map_err(|error| dialer.fault(&error).unwrap_or_else(|| why(&error)))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("it answered {}", response.status()));
        }
        hyper::upgrade::on(response).await.map_err(|error| why(&error))
    };
    timeout(API_TIMEOUT, opened).await.unwrap_or_else(|_| Err(late())).map(TokioIo::new)
}

fn late() -> String {
    format!("no answer within {} s", API_TIMEOUT.as_secs())
}

fn unanswered(error: &bollard::errors::Error) -> String {
    match error {
        bollard::errors::Error::RequestTimeoutError => late(),
        error => why(error),
    }
}
