//! The template files of a matrix, and which of them are still to be read.

use indexmap::IndexMap;

use crate::error::{Diagnostics, SourceFile, Span};
use crate::matrix::Cell;
use crate::template::Template;

/// Templates by their paths, counted from the folder of matrix.yaml.
#[derive(Debug, Clone, Default)]
pub struct Templates(IndexMap<String, Template>);

/// A file that has to be read before anything can be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Counted from the folder of matrix.yaml, unless it is absolute.
    pub path: String,
    /// The context folder that it has to lie in, counted likewise.
    pub folder: String,
    /// What asks for it: an error that it cannot be read points here.
    pub span: Span,
}

impl Templates {
    /// The files that `cells` want and that are not here yet, each once.
    pub fn needed(&self, cells: &[Cell]) -> Vec<Needed> {
        let mut needed: IndexMap<String, Needed> = IndexMap::new();
        let mut last: Option<&Cell> = None;
        for cell in cells {
            // Neighbours mostly share their template: a cheap look saves walking its includes.
            if last.is_some_and(|l| l.context == cell.context && l.dockerfile == cell.dockerfile) {
                continue;
            }
            last = Some(cell);
            let mut seen = Vec::new();
            let mut waiting = vec![(cell.dockerfile.to_string(), cell.dockerfile_span.clone())];
            while let Some((name, span)) = waiting.pop() {
                if seen.contains(&name) {
                    continue;
                }
                let path = join(&cell.context, &name);
                match self.0.get(&path) {
                    Some(template) => waiting.extend(template.includes()),
                    None => {
                        let folder = cell.context.to_string();
                        needed.entry(path.clone()).or_insert(Needed { path, folder, span });
                    }
                }
                seen.push(name);
            }
        }
        needed.into_values().collect()
    }

    /// Adds a file that was read, `path` being as [`Needed`] said it.
    pub fn insert(&mut self, path: &str, file: SourceFile) -> Result<(), Diagnostics> {
        self.0.insert(path.to_owned(), Template::file(file)?);
        Ok(())
    }

    /// The template called `name` in a context folder.
    pub(super) fn get(&self, context: &str, name: &str) -> Option<&Template> {
        self.0.get(&join(context, name))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Template> {
        self.0.values()
    }
}

fn join(context: &str, name: &str) -> String {
    match context.trim_end_matches('/') {
        "." => name.to_owned(),
        "" => format!("/{name}"),
        context => format!("{context}/{name}"),
    }
}
