//! SSH: steps with `RUN --mount=type=ssh` speak to an agent on this machine, through BuildKit and
//! this session.
//!
//! Only listing keys and signing pass: a Dockerfile's steps have no business adding, removing or
//! locking keys of the person who builds it. Everything else is answered with a failure, as
//! BuildKit's own client does.
//!
//! Protocols: <https://github.com/moby/buildkit/blob/master/session/sshforward/ssh.proto> and
//! <https://datatracker.ietf.org/doc/draft-ietf-sshm-ssh-agent/>

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::Ssh;
use bollard_buildkit_proto::moby::sshforward::v1::{
    BytesMessage, CheckAgentRequest, CheckAgentResponse,
};
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_util::io::StreamReader;
use tonic::{Request, Response, Status, Streaming};

/// The methods of this service that a session announces.
pub(super) const METHODS: &[&str] =
    &["/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"];

/// The agent that is meant where a step names none.
pub const DEFAULT_AGENT: &str = "default";

/// The metadata that names the agent of a connection.
const ID: &str = "buildkit.ssh.id";

/// OpenSSH's own limit of a message.
const MAX_MESSAGE: u32 = 256 << 10;

/// An agent that is not busy answers its socket at once.
const DIAL: Duration = Duration::from_secs(2);

/// Message types: what may be asked, and what the rest is answered.
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const FAILURE: &[u8] = &[0, 0, 0, 1, 5];

/// The sockets of the agents that steps may speak to, by id.
#[derive(Debug, Clone, Default)]
pub struct Agents {
    sockets: HashMap<String, PathBuf>,
}

impl FromIterator<(String, PathBuf)> for Agents {
    fn from_iter<I: IntoIterator<Item = (String, PathBuf)>>(sockets: I) -> Self {
        Self { sockets: sockets.into_iter().collect() }
    }
}

impl Agents {
    async fn dial(&self, id: &str) -> Result<UnixStream, Status> {
        let id = if id.is_empty() { DEFAULT_AGENT } else { id };
        let socket = self
            .sockets
            .get(id)
            .ok_or_else(|| Status::not_found(format!("no SSH agent is forwarded as `{id}`")))?;
        let dialed = tokio::time::timeout(DIAL, UnixStream::connect(socket)).await;
        dialed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
            let socket = socket.display();
            Status::failed_precondition(format!(
                "the SSH agent `{id}` at {socket} is out of reach: {error}"
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
        Ok(Response::new(answers.map_err(|error| Status::aborted(error.to_string())).boxed()))
    }
}

/// What `agent` answers to the requests that come from `steps`, one after the other.
///
/// The stream does all the work: whoever drops it hangs up on the agent.
fn answers<R, A>(steps: R, agent: A) -> impl Stream<Item = io::Result<Vec<u8>>>
where
    R: AsyncRead + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    stream::try_unfold((steps, agent), |(mut steps, mut agent)| async move {
        let Some(request) = message(&mut steps).await? else { return Ok(None) };
        let allowed = matches!(request.get(4), Some(&(REQUEST_IDENTITIES | SIGN_REQUEST)));
        let answer = if allowed {
            agent.write_all(&request).await?;
            message(&mut agent).await?.ok_or(io::ErrorKind::UnexpectedEof)?
        } else {
            FAILURE.to_vec()
        };
        Ok(Some((answer, (steps, agent))))
    })
}

/// Reads one message with the length before it; nothing where the stream ends between two.
async fn message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut message = vec![0; 4];
    if from.read(&mut message[..1]).await? == 0 {
        return Ok(None);
    }
    from.read_exact(&mut message[1..]).await?;
    let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]);
    if length > MAX_MESSAGE {
        let what = format!("a message to or from an SSH agent is {length} bytes long");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    message.resize(4 + length as usize, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    fn framed(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap();
        [&length.to_be_bytes(), content].concat()
    }

    /// An agent that answers every message with its bytes reversed.
    async fn backwards(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        while let Some(request) = message(&mut stream).await.unwrap() {
            let content: Vec<u8> = request[4..].iter().rev().copied().collect();
            stream.write_all(&framed(&content)).await.unwrap();
        }
    }

    async fn answered(requests: &[u8]) -> (Vec<Vec<u8>>, Option<io::ErrorKind>) {
        let (ours, theirs) = tokio::io::duplex(64);
        let agent = tokio::spawn(backwards(theirs));
        let mut answers = Box::pin(answers(requests, ours));
        let mut good = Vec::new();
        let end = loop {
            match answers.next().await {
                Some(Ok(answer)) => good.push(answer),
                Some(Err(error)) => break Some(error.kind()),
                None => break None,
            }
        };
        drop(answers);
        agent.await.unwrap();
        (good, end)
    }

    #[tokio::test]
    async fn listing_and_signing_pass_and_nothing_else_reaches_the_agent() {
        let requests = [
            framed(&[REQUEST_IDENTITIES]),
            framed(&[17, 1, 2, 3]), // add a key
            framed(&[19]),          // remove all keys
            framed(&[22, 0]),       // lock
            framed(&[27, 0]),       // an extension
            framed(&[]),
            framed(&[SIGN_REQUEST, 7, 8]),
        ];
        let (answers, end) = answered(&requests.concat()).await;
        let refused = || FAILURE.to_vec();
        let listed = framed(&[REQUEST_IDENTITIES]);
        let signed = framed(&[8, 7, SIGN_REQUEST]);
        let wanted = [listed, refused(), refused(), refused(), refused(), refused(), signed];
        assert_eq!((answers.as_slice(), end), (&wanted[..], None));
    }

    #[tokio::test]
    async fn a_message_that_is_cut_or_far_too_long_is_an_error() {
        let cut = [&framed(&[REQUEST_IDENTITIES])[..], &[0, 0, 0, 9, SIGN_REQUEST]].concat();
        let (answers, end) = answered(&cut).await;
        assert_eq!((answers.len(), end), (1, Some(io::ErrorKind::UnexpectedEof)));
        let long = (MAX_MESSAGE + 1).to_be_bytes();
        assert_eq!(answered(&long).await.1, Some(io::ErrorKind::InvalidData));
    }

    #[tokio::test]
    async fn an_agent_is_checked_by_speaking_to_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let (alive, dead) = (folder.path().join("alive"), folder.path().join("dead"));
        let _listener = UnixListener::bind(&alive).unwrap();
        drop(UnixListener::bind(&dead).unwrap());
        let sockets = [(DEFAULT_AGENT.to_owned(), alive), ("dead".to_owned(), dead.clone())];
        let agents: Agents = sockets.into_iter().collect();
        let check = async |id: &str| {
            agents.check_agent(Request::new(CheckAgentRequest { id: id.to_owned() })).await
        };
        for id in ["", DEFAULT_AGENT] {
            check(id).await.unwrap();
        }
        for (id, word) in [("dead", dead.to_str().unwrap()), ("other", "forwarded as `other`")] {
            let status = check(id).await.unwrap_err();
            assert!(status.message().contains(word), "{}", status.message());
        }
    }
}
