//! Detects a connection whose peer has stopped sending.
//!
//! HTTP/2 pings make a living peer send something every [`PING_INTERVAL`]. Any received byte
//! counts, not only the answer to the ping: on a slow link, the ping is queued behind megabytes of
//! outgoing data, while the peer's requests and acknowledgements show that it is alive.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The interval of HTTP/2 pings.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(4);

/// How long the HTTP/2 library waits for the answer to one ping. [`SILENCE_TIMEOUT`] applies long
/// before, and counts all received bytes.
pub(super) const PONG_TIMEOUT: Duration = Duration::from_secs(600);

/// A peer that sends nothing for this long is considered lost.
pub(super) const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// A living peer is never silent for this long, unless it has too much to do.
pub(crate) const UNUSUAL_SILENCE: Duration = Duration::from_secs(8);

/// If a timer is this late, this process was not running and could not receive anything.
const MAX_TIMER_DELAY: Duration = Duration::from_secs(2);

/// Whether the other side of a connection stopped sending. A connection that replaces another one has the
/// same.
#[derive(Debug, Clone, Default)]
pub(super) struct Silence(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_silent: AtomicBool,
    /// When something last arrived on the open connection.
    heard: Mutex<Option<Instant>>,
}

impl Silence {
    /// Watches `inner`, a new connection, whose peer sends something at least every
    /// [`PING_INTERVAL`].
    pub(super) fn of<S>(&self, inner: S) -> Heard<S> {
        self.0.is_silent.store(false, Ordering::Relaxed);
        self.hears();
        let timer = Box::pin(sleep_until(Instant::now() + SILENCE_TIMEOUT));
        Heard { inner, timer, silence: self.clone() }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.0.is_silent.load(Ordering::Relaxed)
    }

    /// When something last arrived, or the connection was opened; `None` without a connection.
    pub(super) fn heard(&self) -> Option<Instant> {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hears(&self) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The error message for such a connection.
    pub(super) fn message() -> String {
        format!("the engine did not answer for {} s", SILENCE_TIMEOUT.as_secs())
    }
}

/// A byte stream that fails if nothing arrives for too long.
pub(super) struct Heard<S> {
    inner: S,
    timer: Pin<Box<Sleep>>,
    silence: Silence,
}

/// Nothing is expected from a connection that has ended.
impl<S> Drop for Heard<S> {
    fn drop(&mut self) {
        *self.silence.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<S> Heard<S> {
    fn restart(&mut self) {
        self.silence.hears();
        self.timer.as_mut().reset(Instant::now() + SILENCE_TIMEOUT);
    }

    /// Ready if nothing has arrived for too long.
    fn poll_silent(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let is_late = self.timer.deadline().elapsed() > MAX_TIMER_DELAY;
            if !is_late {
                self.silence.0.is_silent.store(true, Ordering::Relaxed);
                let error = io::Error::new(io::ErrorKind::TimedOut, Silence::message());
                return Poll::Ready(error);
            }
            self.restart();
        }
        Poll::Pending
    }

    /// `done`, or an error if the peer was silent for too long while this was pending.
    fn or_silent<T>(
        &mut self,
        done: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        match done {
            Poll::Pending => self.poll_silent(cx).map(Err),
            done => done,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        if done.is_ready() {
            self.restart();
        }
        self.or_silent(done, cx)
    }
}

/// HTTP/2 does not read while it cannot write, so a blocked write checks the timeout too.
impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.or_silent(done, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_flush(cx);
        self.or_silent(done, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.or_silent(done, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.or_silent(done, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_a_byte_now_and_then_is_alive() {
        let (near, mut far) = duplex(64);
        let silence = Silence::default();
        let mut near = silence.of(near);
        tokio::spawn(async move {
            for _ in 0..20 {
                sleep(SILENCE_TIMEOUT - Duration::from_secs(1)).await;
                far.write_all(b"x").await.unwrap();
            }
        });
        let mut all = Vec::new();
        near.read_to_end(&mut all).await.unwrap();
        assert_eq!((all.len(), silence.is_silent()), (20, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_ends_reads_and_blocked_writes() {
        for reads in [true, false] {
            let (near, _far) = duplex(64);
            let silence = Silence::default();
            let mut near = silence.of(near);
            let started = Instant::now();
            let error = match reads {
                true => near.read_u8().await.unwrap_err(),
                false => near.write_all(&[0; 65]).await.unwrap_err(),
            };
            assert_eq!(started.elapsed().as_secs(), SILENCE_TIMEOUT.as_secs());
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "the engine did not answer for 60 s");
            assert!(silence.is_silent());
            let _next = silence.of(duplex(1).0);
            assert!(!silence.is_silent());
        }
    }

    /// As after Ctrl-Z and `fg`.
    #[tokio::test(start_paused = true)]
    async fn the_timeout_restarts_after_the_process_was_stopped() {
        let (near, mut far) = duplex(64);
        let silence = Silence::default();
        let mut near = silence.of(near);
        let reading = tokio::spawn(async move { near.read_u8().await });
        tokio::task::yield_now().await;
        advance(SILENCE_TIMEOUT + MAX_TIMER_DELAY + Duration::from_secs(60)).await;
        tokio::task::yield_now().await;
        far.write_all(b"x").await.unwrap();
        assert_eq!((reading.await.unwrap().unwrap(), silence.is_silent()), (b'x', false));
    }
}
