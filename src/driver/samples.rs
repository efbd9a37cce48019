//! A request and an engine for tests.

use indexmap::IndexMap;

use crate::error::SourceFile;
use crate::input::{SmokeCommand, SmokeTest, TimeLimit};
use crate::node::{NodeFacts, Product, Store};
use crate::plan::BuildRequest;

/// One cell on one platform, with default settings.
pub(crate) fn request() -> BuildRequest {
    let mut request = BuildRequest::sample("v1");
    request.delivery.references = vec!["r.example/a:v1".parse().expect("a valid reference")];
    request
}

/// The smoke test `true`.
pub(crate) fn smoke() -> SmokeTest {
    SmokeTest {
        span: SourceFile::new("matrix.yaml", "test: true").span(0..4),
        command: Some(SmokeCommand::Shell("true".to_owned())),
        healthy: None,
        timeout: TimeLimit::DEFAULT,
        env: IndexMap::new(),
        volumes: Vec::new(),
        privileged: false,
    }
}

/// A buildkitd on the same machine.
pub(crate) fn buildkitd() -> NodeFacts {
    NodeFacts { product: Product::Buildkitd, store: Store::None, ..facts(true) }
}

/// An amd64 engine with either image store, and an emulator for arm64.
pub(crate) fn facts(containerd_store: bool) -> NodeFacts {
    let platforms = ["linux/amd64", "linux/arm64"];
    NodeFacts {
        product: Product::DockerEngine,
        version: "28".to_owned(),
        cores: std::num::NonZeroUsize::MIN,
        store: if containerd_store { Store::Containerd } else { Store::Docker },
        has_lint: true,
        platforms: platforms.map(|name| name.parse().expect("a valid platform")).to_vec(),
    }
}
