//! A request and an engine for tests.

use crate::docker::EngineFacts;
use crate::plan::BuildRequest;

/// One cell on one platform, with default settings.
pub(crate) fn request() -> BuildRequest {
    let mut request = BuildRequest::sample("v1");
    request.delivery.references = vec!["r.example/a:v1".parse().expect("a valid reference")];
    request
}

/// An amd64 engine with either image store.
pub(crate) fn facts(containerd_store: bool) -> EngineFacts {
    EngineFacts {
        version: "28".to_owned(),
        cores: std::num::NonZeroUsize::MIN,
        containerd_store,
        native: "linux/amd64".parse().expect("a valid platform"),
    }
}
