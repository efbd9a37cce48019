//! Dockerfiles that were read, each once.

use std::collections::HashMap;
use std::rc::Rc;

use crate::dockerfile::{Dockerfile, Evaluated, Given};
use crate::image::{Platform, short_name};
use crate::plan::BuildRequest;
use crate::template::Rendered;

/// Texts that are kept, in bytes together. What was read of them needs several times as much memory.
const MOST_KEPT: usize = 16 << 20;

/// By their texts: cells differ in little. Where the texts are many and long, some are read again.
#[derive(Default)]
pub(super) struct Files<'r> {
    read: HashMap<&'r Rendered, Rc<File>>,
    kept: usize,
}

/// A Dockerfile.
pub(super) struct File {
    pub(super) parsed: Dockerfile,
}

impl<'r> Files<'r> {
    pub(super) fn of(&mut self, request: &'r BuildRequest) -> Rc<File> {
        let dockerfile = &*request.dockerfile;
        if let Some(known) = self.read.get(dockerfile) {
            return known.clone();
        }
        let text = dockerfile.text();
        let file = Rc::new(File { parsed: Dockerfile::parse(&text) });
        if self.kept + text.len() <= MOST_KEPT {
            self.kept += text.len();
            self.read.insert(dockerfile, file.clone());
        }
        file
    }
}

impl File {
    /// What BuildKit makes of it for a request.
    pub(super) fn evaluated(
        &self,
        request: &BuildRequest,
        platform: Option<&Platform>,
    ) -> Evaluated {
        let names = request.inputs.contexts.keys().chain(request.inputs.bases.keys());
        let replaced: Vec<String> = names.map(|name| short_name(name)).collect();
        let is_replaced = |name: &str| replaced.contains(&short_name(name));
        self.parsed.evaluate(&Given {
            args: &request.inputs.args,
            target: request.inputs.target.as_deref(),
            platform,
            build_platform: None,
            is_replaced: &is_replaced,
        })
    }

    /// Whether it is read by another program than BuildKit's own for this request.
    pub(super) fn is_foreign_to(&self, request: &BuildRequest) -> bool {
        self.parsed.is_foreign(&request.inputs.args)
    }
}
