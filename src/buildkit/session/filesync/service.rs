//! The gRPC side of FileSync.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Instant;

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::FileSync;
use super::batch::{Broken, QUEUE};
use super::request::Wanted;
use super::transfer;

#[tonic::async_trait]
impl file_sync_server::FileSync for FileSync {
    type DiffCopyStream = BoxStream<'static, Result<Packet, Status>>;
    type TarStreamStream = BoxStream<'static, Result<Packet, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let Wanted { dir, filter } = Wanted::parse(request.metadata())?;
        let source = self
            .source(&dir)
            .ok_or_else(|| Status::not_found(format!("no directory is offered as `{dir}`")))?;
        let (out, packets) = mpsc::channel(QUEUE);
        let (include, exclude) = (filter.include.len(), filter.exclude.len());
        tracing::debug!(target: "session", dir, include, exclude, follow = filter.follow.len(), "files");
        let progress = Arc::new(Tally::new(dir));
        let transfer = transfer::run(source, filter, request.into_inner(), out.clone(), progress);
        // The transfer runs inside of the response: when BuildKit drops the call, the transfer is
        // dropped too.
        let driver = stream::once(async move {
            match transfer.await {
                Ok(()) | Err(Broken::Gone) => None,
                Err(Broken::Fault(message)) => {
                    let data = message.clone().into_bytes();
                    let packet =
                        Packet { r#type: PacketType::PacketErr.into(), data, ..<_>::default() };
                    // Best effort: the status says the same, and BuildKit may be gone.
                    let _ = out.send(vec![packet]).await;
                    Some(Err(Status::aborted(message)))
                }
            }
        });
        let driver = driver.filter_map(std::future::ready);
        let packets =
            ReceiverStream::new(packets).flat_map(|batch| stream::iter(batch.into_iter().map(Ok)));
        Ok(Response::new(stream::select(packets, driver).boxed()))
    }

    /// No BuildKit since 2018 calls this.
    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("only DiffCopy is supported"))
    }
}

/// Totals of a transfer for the debug log, logged when the transfer ends for any reason.
struct Tally {
    dir: String,
    started: Instant,
    entries: AtomicU32,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    fn new(dir: String) -> Self {
        let (entries, files, bytes) = <_>::default();
        Self { dir, started: Instant::now(), entries, files, bytes }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Self { dir, started, entries, files, bytes } = self;
        let (entries, files) = (entries.get_mut(), files.get_mut());
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let bytes = bytes.get_mut();
        tracing::debug!(target: "session", %dir, entries, files, bytes, ms, "files sent");
    }
}

impl transfer::Progress for Tally {
    fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn listed(&self, entries: u32) {
        self.entries.store(entries, Relaxed);
    }

    fn file_done(&self) {
        self.files.fetch_add(1, Relaxed);
    }
}
