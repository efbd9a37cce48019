//! SSH: steps with `RUN --mount=type=ssh` use an agent of this machine through BuildKit and this
//! session, or keys from files in a built-in agent.
//!
//! Only listing keys and signing are allowed: build steps must not add, remove or lock the user's
//! keys. Other requests fail, as with BuildKit's own client.
//!
//! Protocols: <https://github.com/moby/buildkit/blob/master/session/sshforward/ssh.proto> and
//! <https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/>

mod error;
mod file;
mod key;
mod keyring;
mod message;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::Ssh;
use bollard_buildkit_proto::moby::sshforward::v1::{
    BytesMessage, CheckAgentRequest, CheckAgentResponse,
};
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::io::StreamReader;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use error::KeyError;
pub(crate) use keyring::{KeyFileError, Keyring};

use self::message::{FAILURE, REQUEST_IDENTITIES, SIGN_REQUEST, message};
use crate::buildkit::why;

/// The methods of this service that a session announces.
pub(super) const METHODS: &[&str] =
    &["/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"];

/// The default agent of a step that does not name one.
pub(crate) const DEFAULT_AGENT: &str = "default";

/// The metadata key that names the agent of a connection.
const ID: &str = "buildkit.ssh.id";

/// An agent that is not busy accepts connections at once.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an agent may take for one request: it may prompt for a password or a touch of a key.
const AGENT_TIMEOUT: Duration = Duration::from_secs(120);

/// An agent that steps can use.
#[derive(Clone)]
pub(crate) enum Agent {
    /// An agent that listens on this socket.
    Socket(PathBuf),
    /// The built-in agent.
    Keys(Arc<Keyring>),
}

/// The agents of a session, by id.
#[derive(Clone, Default)]
pub(crate) struct Agents {
    by_id: HashMap<String, Agent>,
}

/// A connected agent.
enum Connection<S> {
    Agent(S),
    Keys(Arc<Keyring>),
}

impl FromIterator<(String, Agent)> for Agents {
    fn from_iter<I: IntoIterator<Item = (String, Agent)>>(agents: I) -> Self {
        Self { by_id: agents.into_iter().collect() }
    }
}

impl Agents {
    async fn dial(&self, id: &str) -> Result<Connection<UnixStream>, Status> {
        let id = if id.is_empty() { DEFAULT_AGENT } else { id };
        let socket = match self.by_id.get(id) {
            Some(Agent::Socket(socket)) => socket,
            Some(Agent::Keys(keys)) => return Ok(Connection::Keys(keys.clone())),
            None => {
                let message = format!("no SSH agent is forwarded as `{id}`");
                return Err(Status::not_found(message));
            }
        };
        let dialed = tokio::time::timeout(DIAL_TIMEOUT, UnixStream::connect(socket)).await;
        let dialed = dialed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        dialed.map(Connection::Agent).map_err(|error| {
            let (socket, why) = (socket.display(), why(&error));
            Status::failed_precondition(format!(
                "the SSH agent `{id}` at {socket} is out of reach: {why}"
            ))
        })
    }
}

#[tonic::async_trait]
impl Ssh for Agents {
    type ForwardAgentStream = BoxStream<'static, Result<BytesMessage, Status>>;

    async fn check_agent(
        &self,
        request: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        self.dial(&request.into_inner().id).await?;
        Ok(Response::new(CheckAgentResponse {}))
    }

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get(ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        let agent = self.dial(id).await?;
        let pieces = request.into_inner().map_ok(|message| io::Cursor::new(message.data));
        let steps = StreamReader::new(pieces.map_err(io::Error::other));
        let answers = answers(Box::pin(steps), agent);
        let answers = answers.map_ok(|data| BytesMessage { data });
        Ok(Response::new(answers.map_err(|error| Status::aborted(why(&error))).boxed()))
    }
}

/// The answers of `agent` to the requests in `steps`, in order.
///
/// The stream does all the work: dropping it closes the connection to the agent.
fn answers<R, A>(steps: R, agent: Connection<A>) -> impl Stream<Item = io::Result<Vec<u8>>>
where
    R: AsyncRead + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    stream::try_unfold((steps, agent), |(mut steps, mut agent)| async move {
        let Some(request) = message(&mut steps).await? else { return Ok(None) };
        let allowed = matches!(request.get(4), Some(&(REQUEST_IDENTITIES | SIGN_REQUEST)));
        let answer = if allowed { agent.ask(&request).await? } else { FAILURE.to_vec() };
        Ok(Some((answer, (steps, agent))))
    })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Keys(keys) => Ok(keys.answer(request)),
            Self::Agent(stream) => {
                let asking = async {
                    stream.write_all(request).await?;
                    Ok(message(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?)
                };
                let late = || {
                    let seconds = AGENT_TIMEOUT.as_secs();
                    let what = format!("the SSH agent did not answer for {seconds} s");
                    Err(io::Error::new(io::ErrorKind::TimedOut, what))
                };
                tokio::time::timeout(AGENT_TIMEOUT, asking).await.unwrap_or_else(|_| late())
            }
        }
    }
}
