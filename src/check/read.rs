//! Dockerfiles that were read, each once.

use std::collections::HashMap;
use std::rc::Rc;

use crate::dockerfile::{Dockerfile, Evaluated, Given};
use crate::image::{Platform, short_name};
use crate::plan::BuildRequest;

/// By their texts: cells differ in little.
#[derive(Default)]
pub(super) struct Files<'r>(HashMap<&'r str, Rc<File>>);

/// A Dockerfile.
pub(super) struct File {
    pub(super) parsed: Dockerfile,
}

impl<'r> Files<'r> {
    pub(super) fn of(&mut self, request: &'r BuildRequest) -> Rc<File> {
        let text = request.dockerfile.text.as_str();
        let read = || Rc::new(File { parsed: Dockerfile::parse(text) });
        self.0.entry(text).or_insert_with(read).clone()
    }
}

impl File {
    /// What BuildKit makes of it for a request.
    pub(super) fn evaluated(
        &self,
        request: &BuildRequest,
        platform: Option<&Platform>,
    ) -> Evaluated {
        let names = request.contexts.keys().chain(request.bases.keys());
        let replaced: Vec<String> = names.map(|name| short_name(name)).collect();
        let is_replaced = |name: &str| replaced.contains(&short_name(name));
        self.parsed.evaluate(&Given {
            args: &request.args,
            target: request.target.as_deref(),
            platform,
            build_platform: None,
            is_replaced: &is_replaced,
        })
    }

    /// Whether it is read by another program than BuildKit's own for this request.
    pub(super) fn is_foreign_to(&self, request: &BuildRequest) -> bool {
        self.parsed.is_foreign(&request.args)
    }
}
