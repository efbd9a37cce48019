//! A stream that keeps why it ended. HTTP/2 reports only that the connection was lost.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::dial::{Dialer, Stream};
use crate::error::why;

/// Why a stream ended, once it has.
pub(super) type Ended = Arc<OnceLock<String>>;

/// See the module.
pub(super) struct Recorded {
    inner: Box<dyn Stream>,
    /// Explains errors of the network.
    dialer: Option<Dialer>,
    /// Whether anything has arrived.
    heard: bool,
    ended: Ended,
}

impl Recorded {
    /// Watches `inner`, which `dialer` opened, if one did.
    pub(super) fn new(inner: Box<dyn Stream>, dialer: Option<Dialer>) -> (Self, Ended) {
        let ended = Ended::default();
        (Self { inner, dialer, heard: false, ended: ended.clone() }, ended)
    }

    fn keep(&mut self, read: &io::Result<()>, data: &[u8]) {
        let reason = match read {
            Err(error) => {
                let fault = self.dialer.as_ref().and_then(|dialer| dialer.fault(error));
                fault.unwrap_or_else(|| why(error))
            }
            Ok(()) if data.is_empty() && !self.heard => "it closed the connection".to_owned(),
            // A server that does not know HTTP/2 refuses its preface, and closes the connection.
            Ok(()) if !self.heard && !is_http2(data) => not_http2(data).to_owned(),
            Ok(()) => {
                self.heard = true;
                return;
            }
        };
        self.heard = true;
        let _ = self.ended.set(reason);
    }
}

/// Whether an answer is HTTP/2: its first frame begins with the high byte of its length, which is 0.
fn is_http2(data: &[u8]) -> bool {
    data.first() == Some(&0)
}

/// What answers instead.
fn not_http2(data: &[u8]) -> &'static str {
    match data {
        [b'H', b'T', b'T', b'P', ..] => "it answers with HTTP/1, not with HTTP/2",
        // An alert, or another record of TLS.
        [0x15 | 0x16, 3, ..] => "it requires TLS",
        _ => "it answers, but not with HTTP/2",
    }
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Poll::Ready(read) = &done {
            self.keep(read, &buf.filled()[before..]);
        }
        done
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, data);
        if let Poll::Ready(Err(_)) = &written
            && !self.heard
        {
            // The other side closed the connection. What it said before can still be read.
            let mut answer = [0; 64];
            let mut answer = ReadBuf::new(&mut answer);
            let _ = ready!(self.as_mut().poll_read(cx, &mut answer));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_is_not_http2_is_said() {
        for (answer, expected) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some("it answers with HTTP/1, not with HTTP/2")),
            (b"SSH-2.0-OpenSSH_9.0\r\n", Some("it answers, but not with HTTP/2")),
            (b"<!DOCTYPE HTML>", Some("it answers, but not with HTTP/2")),
            (&[0x15, 3, 1, 0, 2, 2, 22], Some("it requires TLS")),
            (b"", Some("it closed the connection")),
            // An empty frame of settings.
            (&[0, 0, 0, 4, 0, 0, 0, 0, 0], None),
        ] {
            let (near, mut far) = tokio::io::duplex(64);
            far.write_all(answer).await.unwrap();
            drop(far);
            let (mut stream, ended) = Recorded::new(Box::new(near), None);
            stream.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(ended.get().map(String::as_str), expected, "{answer:?}");
        }
    }
}
