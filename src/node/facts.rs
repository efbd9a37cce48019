//! What a node reports about itself.

use std::num::NonZeroUsize;

use bollard_buildkit_proto::pb;

use crate::buildkit::Worker;
use crate::image::Platform;

/// What a node reports about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    pub product: Product,
    /// Such as `28.5.2+dfsg4`; empty if it does not report one.
    pub version: String,
    /// Number of CPU cores of its machine.
    pub cores: NonZeroUsize,
    pub store: Store,
    /// Whether BuildKit can lint Dockerfiles.
    pub has_lint: bool,
    /// The platforms that it runs, each once: its own first, then those that it emulates. Never empty.
    pub platforms: Vec<Platform>,
}

/// The program that BuildKit is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    DockerEngine,
    /// BuildKit's own daemon.
    Buildkitd,
}

/// Where a node keeps images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In containerd's store.
    Containerd,
    /// Nowhere: a buildkitd only keeps its cache.
    None,
    /// In Docker's older store. The engine's BuildKit then builds one platform at a time.
    Docker,
}

impl NodeFacts {
    /// Product and version, such as `Docker Engine 28.5.2`.
    pub fn name(&self) -> String {
        let product = match self.product {
            Product::DockerEngine => "Docker Engine",
            Product::Buildkitd => "buildkitd",
        };
        format!("{product} {}", self.version).trim().to_owned()
    }

    /// The platform of its machine, which runs without emulation.
    pub fn native(&self) -> &Platform {
        &self.platforms[0]
    }
}

/// The platforms of all workers, in their order, each once.
pub(super) fn platforms(workers: &[Worker]) -> Vec<Platform> {
    let mut found: Vec<Platform> = Vec::new();
    for pb::Platform { os, architecture, variant, .. } in workers.iter().flat_map(|w| &w.platforms)
    {
        let parts: Vec<&str> = [os, architecture, variant]
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        if let Ok(platform) = parts.join("/").parse()
            && !found.contains(&platform)
        {
            found.push(platform);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_of_several_workers_is_listed_once_and_the_native_one_first() {
        let platform = |os: &str, architecture: &str, variant: &str| pb::Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..pb::Platform::default()
        };
        let worker = |platforms: Vec<pb::Platform>| Worker { platforms, ..Worker::default() };
        let workers = [
            worker(vec![platform("linux", "arm64", ""), platform("linux", "amd64", "")]),
            worker(vec![platform("linux", "arm64", "v8"), platform("linux", "arm", "v7")]),
            worker(vec![platform("", "", ""), platform("linux", "amd64", "")]),
        ];
        let found: Vec<_> = platforms(&workers).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["linux/arm64", "linux/amd64", "linux/arm/v7"]);
    }
}
