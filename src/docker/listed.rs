//! Lists the containers and images of an engine, by label and by name, with their times.

use std::collections::HashMap;

use bollard::query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Engine;
use super::container::Done;
use crate::image::Reference;

/// A container, running or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedContainer {
    pub id: String,
    /// Each name begins with a slash.
    pub names: Vec<String>,
    pub labels: HashMap<String, String>,
    /// When it was created, by the engine's clock, in seconds since 1970.
    pub created: Option<i64>,
}

impl Engine {
    /// All containers with a label of this name.
    pub async fn containers_with(&self, label: &str) -> Done<Vec<ListedContainer>> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters);
        let found = self.docker.list_containers(Some(options.build())).await?;
        let listed = found.into_iter().filter_map(|container| {
            Some(ListedContainer {
                id: container.id?,
                names: container.names.unwrap_or_default(),
                labels: container.labels.unwrap_or_default(),
                created: container.created,
            })
        });
        Ok(listed.collect())
    }

    /// All names `REPOSITORY:TAG` of images in this repository.
    pub async fn images_of(&self, repository: &str) -> Done<Vec<String>> {
        // With a filter, the engine does not compute the sizes of all other images, which takes
        // long.
        let filters = HashMap::from([("reference", vec![format!("{repository}:*")])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_images(Some(options)).await?;
        Ok(found.into_iter().flat_map(|image| image.repo_tags).collect())
    }

    /// When an image was last tagged, in seconds since 1970. The build time is less useful: an
    /// image from the cache has the build time of the cache.
    pub async fn last_tagged(&self, image: &Reference) -> Done<Option<i64>> {
        let found = self.docker.inspect_image(&image.to_string()).await?;
        let tagged = found.metadata.and_then(|metadata| metadata.last_tag_time);
        // Go's zero time is in year 1.
        Ok(tagged.map(OffsetDateTime::unix_timestamp).filter(|seconds| *seconds > 0))
    }

    /// The engine's clock, in seconds since 1970.
    pub async fn clock(&self) -> Done<Option<i64>> {
        let time = self.docker.info().await?.system_time;
        let time = time.and_then(|time| OffsetDateTime::parse(&time, &Rfc3339).ok());
        Ok(time.map(OffsetDateTime::unix_timestamp))
    }
}
