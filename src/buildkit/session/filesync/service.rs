//! The gRPC side of FileSync.

use std::sync::Arc;

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::batch::QUEUE;
use super::request::Wanted;
use super::transfer::{self, Broken};
use super::{FileSync, Note};

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
            .ok_or_else(|| Status::not_found(format!("no folder is offered as `{dir}`")))?;
        let (out, packets) = mpsc::channel(QUEUE);
        let call = Call { sync: self.clone(), dir };
        let progress = Arc::new(call.clone());
        let transfer = transfer::run(source, filter, request.into_inner(), out.clone(), progress);
        // The transfer runs inside the response: when BuildKit drops the call, it is dropped too.
        let driver = stream::once(async move {
            match transfer.await {
                Ok(()) | Err(Broken::Gone) => None,
                Err(Broken::Fault(message)) => {
                    call.sync.fault(&call.dir, &message);
                    let data = message.clone().into_bytes();
                    let packet =
                        Packet { r#type: PacketType::PacketErr.into(), data, ..<_>::default() };
                    // Only a courtesy, for the status says the same: gone is fine.
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

    /// No BuildKit since 2018 calls it.
    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("files are sent by DiffCopy"))
    }
}

/// One transfer, for its notes.
#[derive(Clone)]
struct Call {
    sync: FileSync,
    dir: String,
}

impl transfer::Progress for Call {
    fn sent(&self, bytes: usize) {
        self.sync.note(Note::Sent { dir: &self.dir, bytes });
    }

    fn file_done(&self, path: &str) {
        self.sync.note(Note::File { dir: &self.dir, path });
    }
}
