//! What an engine has of containers and images, by label and by name, and since when.

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
    /// Each begins with a slash.
    pub names: Vec<String>,
    pub labels: HashMap<String, String>,
    /// When it was created, by the engine's clock, in seconds since 1970.
    pub created: Option<i64>,
}

impl Engine {
    /// All containers that have a label of this name.
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
        // With a filter the engine does not add up the sizes of all others, which takes it long.
        let filters = HashMap::from([("reference", vec![format!("{repository}:*")])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_images(Some(options)).await?;
        Ok(found.into_iter().flat_map(|image| image.repo_tags).collect())
    }

    /// When an image was last given a name, in seconds since 1970. The time at which it was built says
    /// less: that of an image from the cache is as old as the cache.
    pub async fn last_tagged(&self, image: &Reference) -> Done<Option<i64>> {
        let found = self.docker.inspect_image(&image.to_string()).await?;
        let tagged = found.metadata.and_then(|metadata| metadata.last_tag_time);
        // Go writes the year 1 where there is no time.
        Ok(tagged.map(OffsetDateTime::unix_timestamp).filter(|seconds| *seconds > 0))
    }

    /// What time the engine has, in seconds since 1970.
    pub async fn clock(&self) -> Done<Option<i64>> {
        let time = self.docker.info().await?.system_time;
        let time = time.and_then(|time| OffsetDateTime::parse(&time, &Rfc3339).ok());
        Ok(time.map(OffsetDateTime::unix_timestamp))
    }
}
