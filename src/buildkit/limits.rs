//! The HTTP/2 limits of both connections to BuildKit, all of them set on purpose.
//!
//! The engine is trusted as far as a build goes, so these limits do not defend against it: they bound
//! memory, and must never end an honest connection. Guards of the HTTP/2 library that suppose a hostile
//! peer are therefore set so wide that only a broken peer reaches them.
//!
//! For comparison, what `docker buildx` sets. Its session server is Go's `http2.Server` with default
//! values (BuildKit's `session/grpc.go`).
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
//! | pings | every 10 s | none |
//! | silence of the other side | 30 s | no limit |

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tonic::transport::Endpoint;

use super::silence::{PING_INTERVAL, PONG_TIMEOUT};

/// The length of all headers of a call, as HTTP/2 counts it: name, value, and 32 bytes for each.
///
/// BuildKit sends every pattern of .dockerignore and every path that COPY names as a header. 16 MiB
/// is about 200,000 patterns. A longer list is refused on BuildKit's side, with a message of its own.
///
/// In the other direction it bounds how BuildKit explains a failure: the explanation contains the
/// Dockerfile.
pub const HEADERS: u32 = 16 << 20;

/// Data of one call that was not read yet: enough for 20 MB/s over a connection with a delay of 50 ms.
const CALL_WINDOW: u32 = 1 << 20;

/// Data of all calls together that was not read yet.
///
/// It is this wide because the `h2` crate derives the budget for small frames from it: half of it. Each
/// unread frame costs what it lacks of 256 bytes. BuildKit asks for every file of a context in a frame
/// of about 11 bytes, so one call that fills its window with such requests costs 23 MiB. (`h2` has an
/// option for the budget alone, which `hyper` does not pass on.)
const CONNECTION_WINDOW: u32 = 256 << 20;

/// Calls at once; BuildKit lets further ones wait. Cells share a session, and each cell may hold
/// several calls for as long as a step runs, such as connections to an SSH agent.
const CALLS: u32 = 1_000;

/// The longest frame: the smallest value that HTTP/2 allows. gRPC in Go sends no longer ones.
const FRAME: u32 = 16 << 10;

/// The table of compressed headers: HTTP/2's default.
const HEADER_TABLE: u32 = 4 << 10;

/// Data of one call that the connection has accepted and not sent.
const UNSENT: usize = 400 << 10;

/// The server side: a session, of which BuildKit is the client.
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
        // An interrupted run cancels all its calls at once, some before they were accepted.
        .max_pending_accept_reset_streams(usize::try_from(CALLS).unwrap_or(usize::MAX))
        // They are counted over the whole life of the connection, and frames that cross the end of a
        // call are among them.
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
