//! Which requests are allowed, and errors of agents.

use std::path::Path;

use tokio::net::UnixListener;

use super::message::{MAX_MESSAGE, string};
use super::*;

/// An agent that answers every message with its bytes reversed.
async fn backwards(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while let Some(request) = message(&mut stream).await.unwrap() {
        let content: Vec<u8> = request[4..].iter().rev().copied().collect();
        stream.write_all(&string(&content)).await.unwrap();
    }
}

async fn answered(requests: &[u8]) -> (Vec<Vec<u8>>, Option<io::ErrorKind>) {
    let (ours, theirs) = tokio::io::duplex(64);
    let agent = tokio::spawn(backwards(theirs));
    let mut answers = Box::pin(answers(requests, Connection::Agent(ours)));
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
async fn only_listing_and_signing_requests_reach_the_agent() {
    let requests = [
        string(&[REQUEST_IDENTITIES]),
        string(&[17, 1, 2, 3]), // add a key
        string(&[19]),          // remove all keys
        string(&[22, 0]),       // lock
        string(&[27, 0]),       // an extension
        string(&[]),
        string(&[SIGN_REQUEST, 7, 8]),
    ];
    let (answers, end) = answered(&requests.concat()).await;
    let refused = || FAILURE.to_vec();
    let listed = string(&[REQUEST_IDENTITIES]);
    let signed = string(&[8, 7, SIGN_REQUEST]);
    let wanted = [listed, refused(), refused(), refused(), refused(), refused(), signed];
    assert_eq!((answers.as_slice(), end), (&wanted[..], None));
}

#[tokio::test]
async fn a_truncated_or_too_long_message_is_an_error() {
    let cut = [&string(&[REQUEST_IDENTITIES])[..], &[0, 0, 0, 9, SIGN_REQUEST]].concat();
    let (answers, end) = answered(&cut).await;
    assert_eq!((answers.len(), end), (1, Some(io::ErrorKind::UnexpectedEof)));
    let long = (MAX_MESSAGE + 1).to_be_bytes();
    assert_eq!(answered(&long).await.1, Some(io::ErrorKind::InvalidData));
}

#[tokio::test]
async fn an_agent_is_checked_by_connecting_to_its_socket() {
    let directory = tempfile::tempdir().unwrap();
    let (alive, dead) = (directory.path().join("alive"), directory.path().join("dead"));
    let _listener = UnixListener::bind(&alive).unwrap();
    drop(UnixListener::bind(&dead).unwrap());
    let socket = |id: &str, path: &Path| (id.to_owned(), Agent::Socket(path.to_owned()));
    let agents: Agents =
        [socket(DEFAULT_AGENT, &alive), socket("dead", &dead)].into_iter().collect();
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

#[tokio::test(start_paused = true)]
async fn a_request_to_a_silent_agent_times_out() {
    let (near, _far) = tokio::io::duplex(64);
    let request = [&[0, 0, 0, 1][..], &[REQUEST_IDENTITIES]].concat();
    let mut agent: Connection<_> = Connection::Agent(near);
    let error = agent.ask(&request).await.unwrap_err();
    assert_eq!(error.to_string(), "the SSH agent did not answer for 120 s");
}
