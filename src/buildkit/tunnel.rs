//! The byte stream of a session, inside a call on the control connection.
//!
//! `Control/Session` carries the session's HTTP/2 connection, on which BuildKit is the client. Its
//! metadata announces the session.

use std::io;

use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
use bytes::Bytes;
use futures::{FutureExt as _, SinkExt as _, StreamExt as _, TryStreamExt as _};
use futures::{channel::mpsc, future};
use tokio::io::{AsyncRead, AsyncWrite, BufWriter};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::client::Client;

/// The size of a message that carries much data. The HTTP/2 library writes each frame in two parts.
const MESSAGE: usize = 128 << 10;

/// Messages that wait to be sent.
const WAITING: usize = 4;

impl Client {
    /// The byte stream of a session that `announcement` announces. If the call fails, reading fails.
    ///
    /// The first read sends the call. BuildKit need not answer it before it has something to say, so
    /// nothing waits for the answer here: a solve waits for its session.
    pub(crate) fn session(
        &self,
        announcement: MetadataMap,
    ) -> impl AsyncRead + AsyncWrite + Send + Unpin + use<> {
        let (sender, receiver) = mpsc::channel::<BytesMessage>(WAITING);
        let mut request = Request::new(receiver);
        *request.metadata_mut() = announcement;
        let mut control = self.control();
        let call = async move { control.session(request).await.map(tonic::Response::into_inner) };
        let received = call.into_stream().try_flatten().map(|message| match message {
            Ok(BytesMessage { data }) => Ok(Bytes::from(data)),
            Err(status) => Err(io::Error::other(status)),
        });
        let sent = sender
            .sink_map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
            .with(|data: Bytes| future::ok::<_, io::Error>(BytesMessage { data: data.into() }));
        let writer = SinkWriter::new(CopyToBytes::new(sent));
        let writer = BufWriter::with_capacity(MESSAGE, writer);
        tokio::io::join(StreamReader::new(Box::pin(received)), writer)
    }
}
