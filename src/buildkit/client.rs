//! The control connection: one HTTP/2 channel, shared by any number of solves.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::types::WorkerRecord;
use bollard_buildkit_proto::moby::buildkit::v1::{InfoRequest, ListWorkersRequest, StatusRequest};
use bollard_buildkit_proto::pb;
use futures::future::{Either, ready};
use http::HeaderMap;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::transport::{self, Endpoint, Uri};
use tonic::{Code, Status};

use super::headers::WithHeaders;
use super::silence::Silence;
use super::solve::{Solve, Solved};
use super::status::{Progress, before_grace, follow};
use super::traced::Traced;
use super::{SolveError, limits, random_id};

/// The largest message to accept from BuildKit; a status message is much smaller, even for a
/// verbose build.
pub(super) const MAX_MESSAGE: usize = 16 << 20;

/// How long to wait for the status stream after a solve that was refused at once.
const NO_STATUS_GRACE: Duration = Duration::from_millis(250);

/// The connection, with its calls logged.
pub(super) type Channel = Traced<WithHeaders<transport::Channel>>;

/// What runs BuildKit's steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Worker {
    /// The platforms that it runs, its own first, then those that it emulates.
    pub platforms: Vec<pb::Platform>,
    pub labels: HashMap<String, String>,
}

/// A client of BuildKit's Control service. Cloning it shares the connection.
#[derive(Debug, Clone)]
pub struct Client {
    control: ControlClient<Channel>,
    channel: Channel,
    silence: Silence,
}

impl Client {
    /// Uses HTTP/2 over `io`, which is already connected to BuildKit. If nothing arrives for 60 s,
    /// not even the answer to a ping, the connection is considered lost. The first call after that
    /// opens the next one with `dial`. Every call has `headers`.
    pub(crate) async fn connect<S, D>(
        io: S,
        dial: impl Fn() -> D + Send + 'static,
        headers: HeaderMap,
    ) -> Result<Self, SolveError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        D: Future<Output = io::Result<S>> + Send + 'static,
    {
        let silence = Silence::default();
        let opened = Mutex::new(Some(io));
        let connector = {
            let silence = silence.clone();
            tower::service_fn(move |_: Uri| {
                let opened = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
                let next =
                    opened.map_or_else(|| Either::Right(dial()), |io| Either::Left(ready(Ok(io))));
                let silence = silence.clone();
                async move { Ok::<_, io::Error>(TokioIo::new(silence.of(next.await?))) }
            })
        };
        let channel = limits::client(Endpoint::from_static("http://buildkit"))
            .connect_with_connector(connector)
            .await
            .map_err(|error| SolveError::from(Status::from_error(error.into())))?;
        let channel = Traced::ours(WithHeaders::new(channel, headers));
        let control = ControlClient::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE);
        Ok(Self { control, channel, silence })
    }

    pub(super) fn control(&self) -> ControlClient<Channel> {
        self.control.clone()
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Whether the last connection ended because BuildKit did not answer.
    pub fn is_silent(&self) -> bool {
        self.silence.is_silent()
    }

    /// For how long nothing has arrived from BuildKit, which is pinged every few seconds.
    pub(crate) fn silence(&self) -> Duration {
        self.silence.heard().map(|heard| heard.elapsed()).unwrap_or_default()
    }

    /// The error for a failed call on this connection.
    pub(super) fn failed(&self, error: impl Into<SolveError>) -> SolveError {
        let error = error.into();
        match self.is_silent() {
            true => SolveError::silent(),
            false => error,
        }
    }

    /// BuildKit's workers. An engine has one; a buildkitd may have one for containerd and one of its own.
    pub(crate) async fn workers(&self) -> Result<Vec<Worker>, SolveError> {
        let workers = self.control.clone().list_workers(ListWorkersRequest::default()).await;
        let workers = workers.map_err(|status| self.failed(status))?;
        let worker =
            |record: WorkerRecord| Worker { platforms: record.platforms, labels: record.labels };
        Ok(workers.into_inner().record.into_iter().map(worker).collect())
    }

    /// BuildKit's version, such as `v0.32.0`; `None` if it does not say (before BuildKit 0.11).
    pub(crate) async fn version(&self) -> Result<Option<String>, SolveError> {
        match self.control.clone().info(InfoRequest {}).await {
            Ok(info) => Ok(info.into_inner().buildkit_version.map(|version| version.version)),
            Err(status) if status.code() == Code::Unimplemented => Ok(None),
            Err(status) => Err(self.failed(status)),
        }
    }

    /// Solves, and sends status updates to `progress`. Dropping the future cancels the solve in
    /// BuildKit.
    ///
    /// A failure of the status stream never fails the build; the updates just end early.
    pub async fn solve(
        &self,
        solve: Solve,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Solved, SolveError> {
        let id = random_id();
        let mut control = self.control.clone();
        let heard = AtomicBool::new(false);
        let ended = CancellationToken::new();
        let status = {
            let mut control = self.control.clone();
            let request = StatusRequest { r#ref: id.clone() };
            let (heard, ended) = (&heard, &ended);
            async move {
                let opened = before_grace(ended, control.status(request)).await;
                if let Some(Ok(stream)) = opened {
                    heard.store(true, Ordering::Relaxed);
                    follow(stream.into_inner(), progress, ended).await;
                }
            }
        };
        let solving = control.solve(solve.into_request(id));
        // BuildKit ends the status stream when it has sent everything, which takes longer than the solve
        // if a step printed much. Wait for both, so that no line is lost.
        let mut status = std::pin::pin!(status);
        let mut solving = std::pin::pin!(solving);
        let mut status_ended = false;
        let response = loop {
            tokio::select! {
                () = &mut status, if !status_ended => status_ended = true,
                response = &mut solving => break response,
            }
        };
        if !status_ended {
            // A solve that is refused at once has no status, and BuildKit would wait for it in
            // vain.
            ended.cancel();
            match response.is_err() && !heard.load(Ordering::Relaxed) {
                true => drop(tokio::time::timeout(NO_STATUS_GRACE, status).await),
                false => status.await,
            }
        }
        let response = response.map_err(|status| self.failed(status))?;
        Ok(Solved::from_response(response.into_inner()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use bytes::Bytes;
    use http_body_util::Empty;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    /// A BuildKit that does not say its version, on one connection.
    fn serve() -> (DuplexStream, JoinHandle<()>) {
        let (near, far) = duplex(64 << 10);
        let answer = async |_: Request<hyper::body::Incoming>| {
            let unimplemented = Code::Unimplemented as i32;
            Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", unimplemented.to_string())
                .body(Empty::<Bytes>::new())
        };
        let serving = tokio::spawn(async move {
            drop(limits::server().serve_connection(TokioIo::new(far), service_fn(answer)).await);
        });
        (near, serving)
    }

    #[tokio::test]
    async fn the_first_call_after_a_lost_connection_opens_the_next_one() {
        let (near, serving) = serve();
        let dialled = Arc::new(AtomicUsize::new(0));
        let dial = {
            let dialled = dialled.clone();
            move || {
                let number = dialled.fetch_add(1, Ordering::Relaxed);
                async move {
                    match number {
                        0 => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
                        _ => Ok(serve().0),
                    }
                }
            }
        };
        let client = Client::connect(near, dial, HeaderMap::new()).await.unwrap();
        assert_eq!(client.version().await.unwrap(), None);
        serving.abort();
        let _ = serving.await;
        let mut answers = Vec::new();
        while answers.last() != Some(&true) {
            let answer = client.version().await;
            if let Err(error) = &answer {
                assert_eq!(error.connection, super::super::Connection::Lost, "{error}");
            }
            answers.push(answer.is_ok());
        }
        assert_eq!(dialled.load(Ordering::Relaxed), 2, "{answers:?}");
        assert_eq!(client.version().await.unwrap(), None);
        assert_eq!(dialled.load(Ordering::Relaxed), 2);
    }
}
