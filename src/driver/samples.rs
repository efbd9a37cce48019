//! A request to test with.

use std::sync::Arc;

use crate::plan::{BuildOptions, BuildRequest};

/// One cell on one platform that wants nothing out of the ordinary.
pub(super) fn request() -> BuildRequest {
    BuildRequest {
        cell: "v1".into(),
        dockerfile: Arc::default(),
        dockerignore: None,
        context: ".".into(),
        platforms: vec!["linux/amd64".parse().unwrap()],
        references: vec!["r.example/a:v1".parse().unwrap()],
        args: Default::default(),
        labels: Default::default(),
        target: None,
        annotations: Default::default(),
        bases: Default::default(),
        contexts: Default::default(),
        secrets: Default::default(),
        ssh: Default::default(),
        network: None,
        cache_from: Vec::new(),
        cache_to: Vec::new(),
        options: Arc::new(BuildOptions::default()),
    }
}
