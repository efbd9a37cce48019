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
    /// Another program than BuildKit's own reads it, and may understand more.
    pub(super) is_foreign: bool,
}

impl<'r> Files<'r> {
    pub(super) fn of(&mut self, request: &'r BuildRequest) -> Rc<File> {
        let text = request.dockerfile.text.as_str();
        let read = || {
            let parsed = Dockerfile::parse(text);
            let is_foreign = parsed.directive("syntax").is_some_and(is_foreign);
            Rc::new(File { parsed, is_foreign })
        };
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
        match request.args.get("BUILDKIT_SYNTAX") {
            Some(syntax) => is_foreign(syntax),
            None => self.is_foreign,
        }
    }
}

/// Whether `# syntax=` names another image than those that BuildKit's own frontend is published as.
fn is_foreign(syntax: &str) -> bool {
    let name = short_name(syntax.split_whitespace().next().unwrap_or_default());
    let name = name.split(['@', ':']).next().unwrap_or_default();
    !matches!(name, "docker/dockerfile" | "docker/dockerfile-upstream")
}
