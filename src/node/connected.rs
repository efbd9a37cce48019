//! The control connection, and the ways to open its stream: the first one, and each one after the
//! connection was lost.

use std::io;

use http::HeaderMap;

use super::address::RELAY;
use super::recorded::{Ended, Recorded};
use crate::buildkit::{Client, SolveError, Worker};
use crate::dial::{Dialer, Stream};
use crate::docker::{Engine, NoStream};
use crate::error::why;

/// A way to a BuildKit.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// HTTP/2 on the socket of a Docker Engine.
    Grpc(Engine),
    /// An upgrade of `POST /grpc` of a Docker Engine.
    Upgrade(Engine),
    /// HTTP/2 to a buildkitd.
    Dialled(Dialer),
    /// A command in a container of a Docker Engine, which relays to buildkitd.
    InContainer { engine: Engine, name: String },
}

impl Way {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Grpc(_) => "gRPC",
            Self::Upgrade(_) => "POST /grpc",
            Self::Dialled(_) => "buildkitd",
            Self::InContainer { .. } => "buildkitd in a container",
        }
    }

    /// Opens the control connection, and asks for the workers: an answer shows that it works.
    pub(super) async fn connect(self) -> Result<(Client, Vec<Worker>), NoStream> {
        let (stream, ended) = self.open().await?;
        let headers = self.headers();
        let dial = move || {
            let way = self.clone();
            async move {
                let (stream, _) = way.open().await.map_err(io::Error::other)?;
                Ok(stream)
            }
        };
        let asked = async {
            let client = Client::connect(stream, dial, headers).await?;
            let workers = client.workers().await?;
            Ok((client, workers))
        };
        asked.await.map_err(|error: SolveError| {
            NoStream::Refused(ended.get().cloned().unwrap_or(error.message))
        })
    }

    /// The headers of every call.
    fn headers(&self) -> HeaderMap {
        match self {
            Self::Grpc(engine) => engine.call_headers(),
            // Those of the upgrade are enough: a proxy does not look into its stream.
            Self::Upgrade(_) | Self::Dialled(_) | Self::InContainer { .. } => HeaderMap::new(),
        }
    }

    async fn open(&self) -> Result<(Recorded, Ended), NoStream> {
        // The dialer explains later failures of what it opened.
        let (stream, dialer): (Box<dyn Stream>, _) = match self {
            Self::Grpc(engine) => (engine.dial_http2().await?, Some(engine.dialer().clone())),
            Self::Upgrade(engine) => (Box::new(engine.upgrade().await?), None),
            Self::Dialled(dialer) => {
                let dialled = dialer.dial_http2().await;
                let refused = |error| dialer.fault(&error).unwrap_or_else(|| why(&error));
                let stream = dialled.map_err(|error| NoStream::Refused(refused(error)))?;
                (stream, Some(dialer.clone()))
            }
            Self::InContainer { engine, name } => {
                let relay = engine.relay(name, RELAY).await;
                (relay.map_err(|error| NoStream::Refused(why(&error)))?, None)
            }
        };
        Ok(Recorded::new(stream, dialer))
    }
}
