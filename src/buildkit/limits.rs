//! The HTTP/2 limits of both connections to BuildKit, all set explicitly.
//!
//! The engine is trusted, so these limits are not a defence against it: they bound memory and must
//! never end a working connection. The HTTP/2 library also has guards against hostile peers. They
//! are set so high that only a faulty peer reaches them.
//!
//! For comparison, the limits of `docker buildx`. Its session server is Go's `http2.Server` with
//! default values (BuildKit's `session/grpc.go`).
//!
//! | limit | here | buildx |
//! |---|---|---|
//! | headers of a call | 16 MiB | 1 MiB |
//! | unread data of a call | 1 MiB | 1 MiB |
//! | unread data of a connection | 256 MiB | 1 MiB |
//! | calls at once | 1,000 | 250 |
//! | length of a frame | 16 KiB | 1 MiB |
//! | table of compressed headers | 4 KiB | 4 KiB |
//! | unsent data of a call | 400 KiB | a few frames |
//! | small frames that wait to be read | 128 MiB of overhead | no limit |
//! | calls that BuildKit cancels before they start | 1,000 | 1,000 |
//! | calls that are reset for an error of BuildKit | no limit | no limit |
//! | pings | every 4 s | none |
//! | silence of the other side | 60 s | no limit |

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tonic::transport::Endpoint;

use super::silence::{PING_INTERVAL, PONG_TIMEOUT};

/// Total length of the headers of a call, as HTTP/2 counts it: name, value, and 32 bytes for each.
///
/// BuildKit sends every .dockerignore pattern and every path in COPY as a header. 16 MiB is about
/// 200,000 patterns. BuildKit refuses a longer list with its own error message.
///
/// In the other direction, it bounds BuildKit's error details, which contain the Dockerfile.
pub(crate) const HEADERS: u32 = 16 << 20;

/// Unread data of one call: enough for 20 MB/s with a round trip of 50 ms.
const CALL_WINDOW: u32 = 1 << 20;

/// Unread data of all calls together.
///
/// It is this large because the `h2` crate derives its budget for small frames from it: one half.
/// An unread frame costs the difference between its length and 256 bytes. BuildKit requests each
/// file of a context in a frame of about 11 bytes, so a call that fills its window with such
/// requests costs 23 MiB. (`h2` has an option for the budget alone, but `hyper` does not expose
/// it.)
const CONNECTION_WINDOW: u32 = 256 << 20;

/// Concurrent calls; BuildKit queues further ones. Cells share a session, and a cell may hold
/// several calls as long as a step runs, such as connections to an SSH agent.
const CALLS: u32 = 1_000;

/// The longest frame: the minimum in HTTP/2. Go's gRPC does not send longer ones.
const FRAME: u32 = 16 << 10;

/// The table of compressed headers: HTTP/2's default.
const HEADER_TABLE: u32 = 4 << 10;

/// Data of one call that the connection has accepted but not sent.
const UNSENT: usize = 400 << 10;

/// The server side: a session, with BuildKit as the client.
pub(super) fn server() -> http2::Builder<TokioExecutor> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .max_header_list_size(HEADERS)
        .initial_stream_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(CALLS)
        .max_frame_size(FRAME)
        .header_table_size(HEADER_TABLE)
        .max_send_buf_size(UNSENT)
        // An interrupted run cancels all calls at once, some of them before they were accepted.
        .max_pending_accept_reset_streams(usize::try_from(CALLS).unwrap_or(usize::MAX))
        // The count covers the whole life of the connection, and includes frames that arrive after
        // the end of a call.
        .max_local_error_reset_streams(None)
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PONG_TIMEOUT);
    server
}

/// The client side: the control connection.
pub(super) fn client(endpoint: Endpoint) -> Endpoint {
    endpoint
        .http2_max_header_list_size(HEADERS)
        .initial_stream_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .http2_header_table_size(HEADER_TABLE)
        .http2_max_local_error_reset_streams(None)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PONG_TIMEOUT)
        .keep_alive_while_idle(true)
}
