//! A request and an engine to test with.

use crate::docker::EngineFacts;
use crate::plan::BuildRequest;

/// One cell on one platform that wants nothing out of the ordinary.
pub(crate) fn request() -> BuildRequest {
    let mut request = BuildRequest::sample("v1");
    request.delivery.references = vec!["r.example/a:v1".parse().expect("it is a reference")];
    request
}

/// An amd64 engine with either image store.
pub(crate) fn facts(containerd_store: bool) -> EngineFacts {
    EngineFacts {
        version: "28".to_owned(),
        cores: std::num::NonZeroUsize::MIN,
        containerd_store,
        native: "linux/amd64".parse().expect("it is a platform"),
    }
}
