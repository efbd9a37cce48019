//! Loads images into the engine's store, as `docker load` does.
//!
//! Source: <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Image/operation/ImageLoad>

use std::io;
use std::time::Duration;

use bollard::body_try_stream;
use bollard::errors::Error;
use bollard::query_parameters::ImportImageOptionsBuilder;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};

use super::Engine;
use super::container::{ContainerError, Done};
use crate::image::Reference;

/// The request lasts as long as the archive is sent, so its sender has the time limits.
const LOAD_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

impl Engine {
    /// Loads the images of a tar archive. An engine with the containerd image store reads OCI archives with
    /// several platforms; the older store reads only Docker's archives, which have a `manifest.json`.
    pub(crate) async fn load(
        &self,
        archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Done<()> {
        let docker = self.docker.clone().with_timeout(LOAD_TIMEOUT);
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let mut answers =
            std::pin::pin!(docker.import_image(options, body_try_stream(archive), None));
        while let Some(answer) = answers.next().await {
            answer.map_err(|error| match error {
                // The engine had answered with success before it failed.
                Error::DockerStreamError { error } => ContainerError {
                    message: error,
                    is_missing: false,
                    is_unanswered: false,
                    is_lost: false,
                },
                other => other.into(),
            })?;
        }
        Ok(())
    }

    /// The ID of an image in the engine's store: the digest of its index or manifest in the containerd image
    /// store, that of its configuration in the older one.
    pub(crate) async fn image_id(&self, image: &Reference) -> Done<String> {
        let found = self.docker.inspect_image(&image.to_string()).await?;
        Ok(found.id.unwrap_or_default())
    }
}
