//! The size of an image, given only its digest: BuildKit lets its clients read its content store.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/control/control.go> (`roContentStore`)

use http::uri::PathAndQuery;
use serde::Deserialize;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

use super::client::{Channel, Client, MAX_MESSAGE};
use super::session::content::proto::{InfoRequest, InfoResponse, ReadRequest, ReadResponse};
use super::session::content::{INFO, READ};

/// A larger manifest is ignored.
const MAX_MANIFEST: usize = 4 << 20;

/// Source: <https://github.com/opencontainers/image-spec/blob/main/manifest.md>
#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    size: u64,
}

impl Client {
    /// The total size of the configuration and layers in the manifest with this digest, compressed.
    /// `None` if BuildKit does not report it.
    pub async fn image_size(&self, manifest: &str) -> Option<u64> {
        let mut grpc = self.ready().await?;
        let request = ReadRequest { digest: manifest.to_owned(), offset: 0, size: 0 };
        let codec: ProstCodec<ReadRequest, ReadResponse> = ProstCodec::default();
        let path = PathAndQuery::from_static(READ);
        let answer = grpc.server_streaming(tonic::Request::new(request), path, codec).await;
        let mut pieces = answer.ok()?.into_inner();
        let mut json = Vec::new();
        while let Some(piece) = pieces.message().await.ok()? {
            if json.len() + piece.data.len() > MAX_MANIFEST {
                return None;
            }
            json.extend_from_slice(&piece.data);
        }
        let manifest: Manifest = serde_json::from_slice(&json).ok()?;
        let layers = manifest.layers.iter().map(|layer| layer.size);
        Some(layers.fold(manifest.config.size, u64::saturating_add))
    }

    /// The size of the blob with this digest; `None` if BuildKit does not report it.
    pub async fn blob_size(&self, digest: &str) -> Option<u64> {
        let mut grpc = self.ready().await?;
        let request = tonic::Request::new(InfoRequest { digest: digest.to_owned() });
        let codec: ProstCodec<InfoRequest, InfoResponse> = ProstCodec::default();
        let answer = grpc.unary(request, PathAndQuery::from_static(INFO), codec).await;
        u64::try_from(answer.ok()?.into_inner().info?.size).ok()
    }

    async fn ready(&self) -> Option<Grpc<Channel>> {
        let mut grpc = Grpc::new(self.channel()).max_decoding_message_size(MAX_MESSAGE);
        grpc.ready().await.ok()?;
        Some(grpc)
    }
}
