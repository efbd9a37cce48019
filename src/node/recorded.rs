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
            Ok(()) if !self.heard && data.starts_with(b"HTTP/1") => {
                "it answers with HTTP/1, not with HTTP/2".to_owned()
            }
            Ok(()) => {
                self.heard = true;
                return;
            }
        };
        self.heard = true;
        let _ = self.ended.set(reason);
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
