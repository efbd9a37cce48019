//! Parsed Dockerfiles, without duplicates.

use std::collections::HashMap;
use std::rc::Rc;

use crate::dockerfile::{Dockerfile, Evaluated, Given};
use crate::image::{Platform, short_name};
use crate::plan::Recipe;
use crate::template::Rendered;

/// Limit of the cached Dockerfiles, in bytes. Their parsed form needs several times as much memory.
const MAX_CACHED: usize = 16 << 20;

/// Cached by content, because cells differ in little. If the files are many and long, some are
/// parsed again.
#[derive(Default)]
pub(super) struct Files<'r> {
    read: HashMap<&'r Rendered, Rc<File>>,
    kept: usize,
}

/// A parsed Dockerfile.
pub(super) struct File {
    pub(super) parsed: Dockerfile,
}

impl<'r> Files<'r> {
    pub(super) fn of(&mut self, recipe: &'r Recipe) -> Rc<File> {
        let dockerfile = &*recipe.dockerfile;
        if let Some(known) = self.read.get(dockerfile) {
            return known.clone();
        }
        let text = dockerfile.text();
        let file = Rc::new(File { parsed: Dockerfile::parse(&text) });
        if self.kept + text.len() <= MAX_CACHED {
            self.kept += text.len();
            self.read.insert(dockerfile, file.clone());
        }
        file
    }
}

impl File {
    /// Evaluates it for a recipe as BuildKit does.
    pub(super) fn evaluated(&self, recipe: &Recipe, platform: Option<&Platform>) -> Evaluated {
        let names = recipe.inputs.contexts.keys().chain(recipe.inputs.bases.keys());
        let replaced: Vec<String> = names.map(|name| short_name(name)).collect();
        let is_replaced = |name: &str| replaced.contains(&short_name(name));
        self.parsed.evaluate(&Given {
            args: &recipe.inputs.args,
            target: recipe.inputs.target.as_deref(),
            platform,
            build_platform: None,
            is_replaced: &is_replaced,
        })
    }

    /// Whether another frontend than BuildKit's own reads it for this recipe.
    pub(super) fn is_foreign_to(&self, recipe: &Recipe) -> bool {
        self.parsed.is_foreign(&recipe.inputs.args)
    }
}
