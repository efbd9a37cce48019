//! The gRPC side of FileSend.
//!
//! Written by hand, because one method carries two kinds of messages: bytes for an archive,
//! fsutil's packets for a tree.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::moby::filesync::packet::BytesMessage;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower_service::Service;

use super::super::fault::Fault;
use super::archive::Chunk;
use super::error::{gone, wrong};
use super::send::{FileSend, Results, Stage, Target};
use super::tree::Tree;

/// Messages usually have 32 KiB, but BuildKit does not promise to stay below tonic's default of 4
/// MiB.
const MESSAGE: usize = 32 << 20;
/// Messages queued for the writer.
const QUEUE: usize = 16;

/// Serves [`Results`]; created by [`Results::service`].
#[derive(Clone, Debug)]
pub(crate) struct FileSendServer {
    results: Results,
}

impl Results {
    /// The service to add to a session.
    pub(crate) fn service(&self) -> FileSendServer {
        FileSendServer { results: self.clone() }
    }
}

impl NamedService for FileSendServer {
    const NAME: &'static str = "moby.filesync.v1.FileSend";
}

impl Service<http::Request<Body>> for FileSendServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let send = self.results.current();
        Box::pin(async move {
            if !super::METHODS.contains(&request.uri().path()) {
                return Ok(Status::unimplemented("no such method").into_http());
            }
            let Some(send) = send else {
                return Ok(Status::failed_precondition("no result is expected").into_http());
            };
            Ok(match send.target {
                Target::Archive => {
                    Grpc::new(ProstCodec::<BytesMessage, BytesMessage>::default())
                        .apply_max_message_size_config(Some(MESSAGE), None)
                        .streaming(Archive(send), request)
                        .await
                }
                Target::Tree => {
                    Grpc::new(ProstCodec::<Packet, Packet>::default())
                        .apply_max_message_size_config(Some(MESSAGE), None)
                        .streaming(Files(send), request)
                        .await
                }
            })
        })
    }
}

type Answer<M> = BoxStream<'static, Result<M, Status>>;
type Answered<M> = BoxFuture<'static, Result<Response<Answer<M>>, Status>>;

struct Archive(FileSend);

impl StreamingService<BytesMessage> for Archive {
    type Response = BytesMessage;
    type ResponseStream = Answer<BytesMessage>;
    type Future = Answered<BytesMessage>;

    fn call(&mut self, request: Request<Streaming<BytesMessage>>) -> Self::Future {
        let call = Call::begin(self.0.clone());
        Box::pin(async move {
            let work = archive(call, request.into_inner());
            let last = stream::once(async move { answer(work.await) });
            Ok(Response::new(last.filter_map(std::future::ready).boxed()))
        })
    }
}

async fn archive(call: Call, mut inbound: Streaming<BytesMessage>) -> Result<(), Fault> {
    let (chunks, queue) = mpsc::channel(QUEUE);
    let writer = tokio::task::spawn_blocking(move || call.receive(|call| write(call, queue)));
    loop {
        let chunk = match inbound.message().await {
            Ok(Some(message)) => Chunk::Data(message.data),
            Ok(None) => Chunk::End,
            Err(_) => break,
        };
        let end = matches!(chunk, Chunk::End);
        // If the writer is gone, it has failed, and its error is reported below.
        if chunks.send(chunk).await.is_err() || end {
            break;
        }
    }
    drop(chunks);
    joined(writer.await)
}

fn write(call: &mut Call, queue: mpsc::Receiver<Chunk>) -> Result<(), Fault> {
    let sink = {
        let mut state = call.send.lock();
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Waiting(sink) => sink,
            other => {
                state.stage = other;
                return Err(wrong("BuildKit sent more than one result"));
            }
        }
    };
    let written = sink.write(queue)?;
    {
        let mut state = call.send.lock();
        // Unless it was discarded in the meantime.
        if matches!(state.stage, Stage::Taken) {
            state.stage = Stage::Received(written);
        }
    }
    call.complete();
    Ok(())
}

struct Files(FileSend);

impl StreamingService<Packet> for Files {
    type Response = Packet;
    type ResponseStream = Answer<Packet>;
    type Future = Answered<Packet>;

    fn call(&mut self, request: Request<Streaming<Packet>>) -> Self::Future {
        let call = Call::begin(self.0.clone());
        Box::pin(async move {
            let (out, packets) = mpsc::channel(QUEUE);
            let work = files(call, request.into_inner(), out);
            let last = stream::once(async move { answer(work.await) });
            let last = last.filter_map(std::future::ready);
            Ok(Response::new(stream::select(ReceiverStream::new(packets), last).boxed()))
        })
    }
}

async fn files(call: Call, mut inbound: Streaming<Packet>, out: Replies) -> Result<(), Fault> {
    let (packets, queue) = mpsc::channel(QUEUE);
    let mut writer =
        tokio::task::spawn_blocking(move || call.receive(|call| plant(call, queue, &out)));
    loop {
        tokio::select! {
            done = &mut writer => return joined(done),
            message = inbound.message() => match message {
                Ok(Some(packet)) => {
                    if packets.send(packet).await.is_err() {
                        return joined(writer.await);
                    }
                }
                Ok(None) | Err(_) => {
                    drop(packets);
                    return joined(writer.await);
                }
            },
        }
    }
}

/// Writes the tree from `queue`, and waits for BuildKit's FIN.
fn plant(call: &mut Call, mut queue: mpsc::Receiver<Packet>, out: &Replies) -> Result<(), Fault> {
    let (mut tree, mut staging) = match &mut call.send.lock().stage {
        Stage::Tree(placing) => {
            let staging = placing.staging()?;
            (Tree::create(staging.path(), placing.dest())?, Some(staging))
        }
        _ => return Err(wrong("BuildKit sent files after the end")),
    };
    while let Some(packet) = queue.blocking_recv() {
        let replies = tree.take(packet)?;
        if tree.is_complete() && staging.is_some() {
            // Do this before BuildKit is notified: from then on it may end the solve and close the
            // connection.
            if let Stage::Tree(placing) = &mut call.send.lock().stage {
                placing.add(tree.folders());
            }
            staging = None;
            call.complete();
        }
        for reply in replies {
            out.blocking_send(Ok(reply)).map_err(|_| gone())?;
        }
        if tree.is_finished() {
            return Ok(());
        }
    }
    Err(gone())
}

type Replies = mpsc::Sender<Result<Packet, Status>>;

fn joined(done: Result<Result<(), Fault>, tokio::task::JoinError>) -> Result<(), Fault> {
    done.unwrap_or_else(|crash| Err(Fault::There(format!("writing failed: {crash}"))))
}

/// The end of the answer to BuildKit.
fn answer<M>(outcome: Result<(), Fault>) -> Option<Result<M, Status>> {
    outcome.err().map(|fault| Err(Status::aborted(fault.to_string())))
}

/// A running call. The writing thread owns it, because the connection and the answer may be gone
/// before that thread has finished.
struct Call {
    send: FileSend,
    done: bool,
}

impl Call {
    fn begin(send: FileSend) -> Self {
        send.lock().started += 1;
        Self { send, done: false }
    }

    /// Runs `work`, and records its fault unless everything had been received.
    fn receive(mut self, work: impl FnOnce(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        let outcome = work(&mut self);
        if let Err(fault) = &outcome {
            self.fault(fault);
        }
        outcome
    }

    fn complete(&mut self) {
        if !std::mem::replace(&mut self.done, true) {
            self.send.lock().done += 1;
        }
    }

    fn fault(&mut self, fault: &Fault) {
        if !std::mem::replace(&mut self.done, true) {
            self.send.lock().fault.get_or_insert_with(|| fault.clone());
        }
    }
}

impl Drop for Call {
    /// For calls that never reached their thread, or panicked in it.
    fn drop(&mut self) {
        self.fault(&gone());
    }
}
