//! The messages of agents.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// OpenSSH's own limit for a message.
pub(super) const MAX_MESSAGE: u32 = 256 << 10;

/// Message types: the allowed requests, and the answer to all others.
pub(super) const REQUEST_IDENTITIES: u8 = 11;
pub(super) const SIGN_REQUEST: u8 = 13;
pub(super) const FAILURE: &[u8] = &[0, 0, 0, 1, 5];

/// A string of the protocol: its length, then its bytes. Messages have the same format.
///
/// Source: <https://datatracker.ietf.org/doc/html/rfc4251#section-5>
pub(super) fn string(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("keys, signatures and messages are short");
    [&length.to_be_bytes(), content].concat()
}

/// Reads one message with its length prefix; `None` if the stream ends between messages.
pub(super) async fn message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
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
