//! The gRPC side of Content.
//!
//! Written by hand, because no maintained library has the server side of this service.

use std::convert::Infallible;
use std::io::{self, Seek as _, SeekFrom};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::super::fault::{Fault, LocalFault};
use super::blob::{Ingest, IngestError};
use super::digest::BlobDigest;
use super::offer::{Content, Store};
use super::proto::{
    Action, Info, InfoRequest, InfoResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use crate::buildkit::why;

pub(in crate::buildkit) const INFO: &str = "/containerd.services.content.v1.Content/Info";
pub(in crate::buildkit) const READ: &str = "/containerd.services.content.v1.Content/Read";
pub(super) const WRITE: &str = "/containerd.services.content.v1.Content/Write";

/// The metadata key that names the directory.
const STORE: &str = "buildkit-attachable-store-id";
/// BuildKit's prefixes of the name in the solve: of a cache, and of an image layout.
const PREFIXES: [&str; 2] = ["local:", "oci:"];

/// Data per message: the size of BuildKit's messages and of ours.
const CHUNK: usize = 1 << 20;
/// BuildKit does not promise to stay below tonic's default of 4 MiB.
const MESSAGE: usize = 32 << 20;

/// Serves [`Content`]; created by [`Content::service`].
#[derive(Clone, Debug)]
pub(crate) struct ContentServer {
    content: Content,
}

impl Content {
    /// The service to add to a session.
    pub(crate) fn service(&self) -> ContentServer {
        ContentServer { content: self.clone() }
    }
}

impl NamedService for ContentServer {
    const NAME: &'static str = "containerd.services.content.v1.Content";
}

impl Service<http::Request<Body>> for ContentServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let content = self.content.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                INFO => Grpc::new(ProstCodec::default()).unary(Method(content), request).await,
                READ => {
                    Grpc::new(ProstCodec::default())
                        .server_streaming(Method(content), request)
                        .await
                }
                WRITE => {
                    Grpc::new(ProstCodec::default())
                        .apply_max_message_size_config(Some(MESSAGE), None)
                        .streaming(Method(content), request)
                        .await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// A call; the message type determines the method.
struct Method(Content);

type Answer<M> = BoxStream<'static, Result<M, Status>>;
type Answered<M> = BoxFuture<'static, Result<Response<M>, Status>>;

impl UnaryService<InfoRequest> for Method {
    type Response = InfoResponse;
    type Future = Answered<InfoResponse>;

    fn call(&mut self, request: Request<InfoRequest>) -> Self::Future {
        let store = self.0.chosen(&request);
        Box::pin(async move {
            let digest = digest(&request.get_ref().digest)?;
            let opened = blocking(store?, move |store| store.open(&digest)).await?;
            let info = Info { digest: request.into_inner().digest, size: signed(opened.1) };
            Ok(Response::new(InfoResponse { info: Some(info) }))
        })
    }
}

impl ServerStreamingService<ReadRequest> for Method {
    type Response = ReadResponse;
    type ResponseStream = Answer<ReadResponse>;
    type Future = Answered<Self::ResponseStream>;

    fn call(&mut self, request: Request<ReadRequest>) -> Self::Future {
        let store = self.0.chosen(&request);
        Box::pin(async move {
            let ReadRequest { digest: name, offset, size } = request.into_inner();
            let digest = digest(&name)?;
            let start = u64::try_from(offset).unwrap_or(0);
            let file = blocking(store?, move |store| {
                let (mut file, length) = store.open(&digest)?;
                if start > length {
                    return Err(Status::out_of_range(format!("{name} has {length} bytes")));
                }
                file.seek(SeekFrom::Start(start)).map_err(|error| store.unreadable(&error))?;
                Ok(file)
            });
            let file = tokio::fs::File::from_std(file.await?);
            let limit = u64::try_from(size).ok().filter(|size| *size > 0).unwrap_or(u64::MAX);
            let chunks = ReaderStream::with_capacity(file.take(limit), CHUNK);
            let mut offset = start;
            let messages = chunks.map_ok(move |chunk| {
                let message = ReadResponse { offset: signed(offset), data: chunk.into() };
                offset += message.data.len() as u64;
                message
            });
            Ok(Response::new(messages.map_err(|error| Status::aborted(why(&error))).boxed()))
        })
    }
}

impl StreamingService<WriteRequest> for Method {
    type Response = WriteResponse;
    type ResponseStream = Answer<WriteResponse>;
    type Future = Answered<Self::ResponseStream>;

    fn call(&mut self, request: Request<Streaming<WriteRequest>>) -> Self::Future {
        let store = self.0.chosen(&request);
        Box::pin(async move {
            let state = (store?, request.into_inner(), None::<Ingest>);
            // Each message is answered before the next one is read. The stream does all the work:
            // dropping it drops the uncommitted data.
            let answers = stream::try_unfold(state, |(store, mut requests, ingest)| async move {
                let Some(request) = requests.message().await? else { return Ok(None) };
                let step = blocking(store.clone(), move |store| store.step(ingest, &request));
                let (ingest, answer) = step.await?;
                Ok(Some((answer, (store, requests, ingest))))
            });
            Ok(Response::new(answers.boxed()))
        })
    }
}

impl Content {
    /// The directory that the metadata of a call names.
    pub(super) fn chosen<M>(&self, request: &Request<M>) -> Result<Arc<Store>, Status> {
        let id = request.metadata().get(STORE).and_then(|id| id.to_str().ok());
        let id = id.and_then(|id| PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix)));
        let store = id.and_then(|id| self.lock().get(id).cloned());
        store.ok_or_else(|| Status::not_found("no directory is offered under this name"))
    }
}

impl Store {
    fn open(&self, digest: &BlobDigest) -> Result<(std::fs::File, u64), Status> {
        self.layout.open(digest).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Status::not_found(format!("there is no blob {digest}")),
            _ => self.unreadable(&error),
        })
    }

    /// Handles one message of a write.
    pub(super) fn step(
        &self,
        ingest: Option<Ingest>,
        request: &WriteRequest,
    ) -> Result<(Option<Ingest>, WriteResponse), Status> {
        if !self.writable {
            return Err(Status::permission_denied("this directory is offered for reading only"));
        }
        let mut ingest = match ingest {
            Some(ingest) => ingest,
            None if request.r#ref.is_empty() => {
                return Err(Status::invalid_argument("the first message does not name a write"));
            }
            None => Ingest::begin(&self.layout).map_err(|error| self.unwritten(error.into()))?,
        };
        if let Ok(total @ 1..) = u64::try_from(request.total) {
            ingest.total = Some(total);
        }
        if !request.expected.is_empty() {
            let expected = digest(&request.expected)?;
            let size = self.open(&expected).ok().map(|(_, size)| size);
            // A blob that was truncated by a crash of the machine is written again.
            if size.is_some_and(|size| ingest.total.is_none_or(|total| total == size)) {
                return Err(Status::already_exists(format!("{expected} is there")));
            }
            ingest.expected = Some(expected);
        }
        let action = request.action();
        if action != Action::Stat {
            match u64::try_from(request.offset).unwrap_or(0) {
                at if at == ingest.offset => {}
                0 => ingest.restart().map_err(|error| self.unwritten(error.into()))?,
                at => {
                    let message = format!("{} bytes are written, not {at}", ingest.offset);
                    return Err(Status::out_of_range(message));
                }
            }
            ingest.write(&request.data).map_err(|error| self.unwritten(error))?;
        }
        let mut answer = WriteResponse {
            action: action.into(),
            offset: signed(ingest.offset),
            total: ingest.total.map_or(0, signed),
            digest: String::new(),
        };
        if action != Action::Commit {
            return Ok((Some(ingest), answer));
        }
        let digest = ingest.commit(&self.layout).map_err(|error| self.unwritten(error))?;
        answer.digest = digest.to_string();
        Ok((None, answer))
    }

    fn unreadable(&self, error: &io::Error) -> Status {
        self.fault_here("read", error)
    }

    fn unwritten(&self, error: IngestError) -> Status {
        match error {
            IngestError::Io(error) => self.fault_here("written", &error),
            wrong @ IngestError::Wrong(_) => self.fault(Fault::There(self.sentence(&wrong))),
        }
    }

    fn fault_here(&self, done: &str, error: &io::Error) -> Status {
        self.fault(Fault::Here(LocalFault {
            sentence: self.sentence(&format_args!("cannot be {done}: {}", why(error))),
            directory: Some(self.layout.root().to_owned()),
            kind: Some(error.kind()),
        }))
    }

    fn sentence(&self, what: &dyn std::fmt::Display) -> String {
        format!("the {} in {}: {what}", self.what, self.layout.root().display())
    }

    /// Keeps the first fault. BuildKit retries some errors, but a retry would not help here.
    fn fault(&self, fault: Fault) -> Status {
        let status = Status::failed_precondition(fault.to_string());
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        status
    }
}

fn digest(text: &str) -> Result<BlobDigest, Status> {
    BlobDigest::parse(text).ok_or_else(|| Status::invalid_argument("this is not a SHA-256 digest"))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Runs `work` on a thread for blocking operations.
async fn blocking<T: Send + 'static>(
    store: Arc<Store>,
    work: impl FnOnce(&Store) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let disk = store.disk.clone();
    disk.work(move || work(&store)).await.map_err(Status::cancelled)?
}
