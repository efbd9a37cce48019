//! A request and an engine to test with.

use crate::docker::EngineFacts;
use crate::plan::BuildRequest;

/// One cell on one platform that wants nothing out of the ordinary.
pub(crate) fn request() -> BuildRequest {
    BuildRequest {
        context: ".".into(),
        references: vec!["r.example/a:v1".parse().expect("it is a reference")],
        ..BuildRequest::sample("v1")
    }
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
