//! Logs every call on a connection to BuildKit: when it begins, and how it ended.
//!
//! Only methods, codes, times and sizes are logged. Messages are not: in them, BuildKit quotes
//! commands and the values of build arguments.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Buf as _;
use http::{HeaderMap, Request, Response};
use hyper::body::{Body, Frame, SizeHint};
use tower_service::Service;

/// BuildKit makes this call every few seconds.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// Distinguishes concurrent calls.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A service whose calls are logged; `by` names the caller.
#[derive(Debug, Clone)]
pub(super) struct Traced<S> {
    inner: S,
    by: &'static str,
}

impl<S> Traced<S> {
    /// Calls from this program.
    pub(super) fn ours(inner: S) -> Self {
        Self { inner, by: "onebuild" }
    }

    /// Calls from BuildKit.
    pub(super) fn theirs(inner: S) -> Self {
        Self { inner, by: "buildkit" }
    }
}

impl<S, B, R> Service<Request<B>> for Traced<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
{
    type Response = Response<TracedBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut call = Call::begin(self.by, request.uri().path());
        let response = self.inner.call(request);
        Box::pin(async move {
            let response = match response.await {
                Ok(response) => response,
                Err(error) => {
                    call.end("the connection failed");
                    return Err(error);
                }
            };
            let (parts, inner) = response.into_parts();
            // An error without a message consists of headers only.
            call.status(&parts.headers);
            Ok(Response::from_parts(parts, TracedBody { inner, call }))
        })
    }
}

/// A call, if logging is enabled; its end is logged when it is dropped.
#[derive(Default)]
struct Call(Option<Open>);

struct Open {
    number: u64,
    method: String,
    started: Instant,
    /// `grpc-status`, if it has arrived.
    status: Option<String>,
    bytes: usize,
    end: &'static str,
}

impl Call {
    fn begin(by: &'static str, method: &str) -> Self {
        if !tracing::enabled!(target: "grpc", tracing::Level::DEBUG) {
            return Self(None);
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if method != HEALTH {
            tracing::debug!(target: "grpc", number, by, method, "call");
        }
        Self(Some(Open {
            number,
            method: method.to_owned(),
            started: Instant::now(),
            status: None,
            bytes: 0,
            end: "cancelled",
        }))
    }

    fn status(&mut self, headers: &HeaderMap) {
        let Some(open) = &mut self.0 else { return };
        if let Some(status) = headers.get("grpc-status") {
            open.status = Some(String::from_utf8_lossy(status.as_bytes()).into_owned());
            open.end = "ended";
        }
    }

    fn end(&mut self, end: &'static str) {
        if let Some(open) = &mut self.0 {
            open.end = end;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Some(Open { number, method, started, status, bytes, end }) = self.0.take() else {
            return;
        };
        if method == HEALTH && status.as_deref() == Some("0") {
            return;
        }
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(target: "grpc", number, method, status, ms, bytes, "{end}");
    }
}

/// The body of a response, which detects when and how its call ended.
#[derive(Default)]
pub(super) struct TracedBody<R> {
    inner: R,
    call: Call,
}

impl<R: Body<Data = bytes::Bytes> + Unpin> Body for TracedBody<R> {
    type Data = bytes::Bytes;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, R::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.status(trailers);
                } else if let (Some(data), Some(open)) = (frame.data_ref(), &mut self.call.0) {
                    open.bytes += data.remaining();
                }
            }
            Some(Err(_)) => self.call.end("the connection failed"),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
