//! A request to test with.

use crate::plan::BuildRequest;

/// One cell on one platform that wants nothing out of the ordinary.
pub(super) fn request() -> BuildRequest {
    BuildRequest {
        context: ".".into(),
        references: vec!["r.example/a:v1".parse().expect("it is a reference")],
        ..BuildRequest::sample("v1")
    }
}
