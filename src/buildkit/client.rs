//! The control connection: one HTTP/2 channel that any number of solves share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{ListWorkersRequest, StatusRequest};
use bollard_buildkit_proto::pb;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tonic::transport::{self, Endpoint, Uri};

use super::silence::{Heard, Silence};
use super::solve::{Solve, Solved};
use super::status::{Progress, follow};
use super::traced::Traced;
use super::{SolveError, limits, random_id};

/// The largest message taken from BuildKit; a Status of a chatty build stays far below.
pub(super) const MAX_MESSAGE: usize = 16 << 20;

/// How long the status of a solve may outlast it; the same where none was ever heard of.
const PATIENCE: Duration = Duration::from_secs(3);
const REFUSED: Duration = Duration::from_millis(250);

/// The connection, whose calls are logged.
pub(super) type Channel = Traced<transport::Channel>;

/// A client of BuildKit's Control service. Cloning it shares the connection.
#[derive(Debug, Clone)]
pub struct Client {
    control: ControlClient<Channel>,
    channel: Channel,
    silence: Silence,
}

impl Client {
    /// Speaks HTTP/2 over `io`, which is already connected to BuildKit. A BuildKit from which nothing
    /// comes for 30 s, not even the answer to a ping, has ended the connection.
    pub async fn connect<S>(io: S) -> Result<Self, tonic::transport::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // The channel may ask its connector again when the connection is lost; a stream can be
        // handed out once, so the second time is an error that says what happened.
        let (io, silence) = Heard::new(io);
        let slot = Mutex::new(Some(TokioIo::new(io)));
        let connector = tower::service_fn(move |_: Uri| {
            let io = slot.lock().expect("no panic while holding the slot").take();
            async move { io.ok_or_else(|| std::io::Error::other("the connection to BuildKit was lost")) }
        });
        let channel = limits::client(Endpoint::from_static("http://buildkit"))
            .connect_with_connector(connector)
            .await?;
        let channel = Traced::ours(channel);
        let control = ControlClient::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE);
        Ok(Self { control, channel, silence })
    }

    pub(super) fn control(&self) -> ControlClient<Channel> {
        self.control.clone()
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Whether the connection ended because BuildKit did not answer.
    pub fn is_silent(&self) -> bool {
        self.silence.is_silent()
    }

    /// What a failed call means on this connection.
    pub(super) fn failed(&self, error: impl Into<SolveError>) -> SolveError {
        let error = error.into();
        match self.is_silent() {
            true => SolveError::silent(),
            false => error,
        }
    }

    /// Every platform that a worker can run, emulated ones included, as BuildKit names them.
    pub async fn platforms(&self) -> Result<Vec<pb::Platform>, SolveError> {
        let workers = self.control.clone().list_workers(ListWorkersRequest::default()).await;
        let workers = workers.map_err(|status| self.failed(status))?;
        Ok(workers.into_inner().record.into_iter().flat_map(|worker| worker.platforms).collect())
    }

    /// Solves, sending what happens to `progress` on the way; dropping the future cancels the
    /// solve on BuildKit's side.
    ///
    /// A status stream that fails never fails the build: progress ends early, and that is all.
    pub async fn solve(
        &self,
        solve: Solve,
        progress: mpsc::Sender<Progress>,
    ) -> Result<Solved, SolveError> {
        let id = random_id();
        let mut control = self.control.clone();
        let heard = AtomicBool::new(false);
        let status = {
            let mut control = self.control.clone();
            let request = StatusRequest { r#ref: id.clone() };
            let heard = &heard;
            async move {
                if let Ok(stream) = control.status(request).await {
                    heard.store(true, Ordering::Relaxed);
                    follow(stream.into_inner(), progress).await;
                }
            }
        };
        let solving = control.solve(solve.into_request(id));
        // BuildKit ends the status stream soon after the solve: both are waited for, so that the
        // last lines of a failed step are not lost. A status that hangs is not waited for long.
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
            // A solve that is refused at once has no status, and BuildKit waits for it in vain.
            let refused = response.is_err() && !heard.load(Ordering::Relaxed);
            let patience = if refused { REFUSED } else { PATIENCE };
            let _ = tokio::time::timeout(patience, status).await;
        }
        let response = response.map_err(|status| self.failed(status))?;
        Ok(Solved::from_response(response.into_inner()))
    }
}
