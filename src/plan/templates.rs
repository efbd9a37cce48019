//! The template files of a matrix, and which of them have not been read yet.

use indexmap::IndexMap;

use super::sources::Sources;
use crate::error::{Diagnostics, SourceFile, Span};
use crate::matrix::{Cell, FileRule};
use crate::template::{NameUse, Template};

/// Templates by their paths, relative to the directory of matrix.yaml.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    read: IndexMap<String, Template>,
    /// Names that are used outside Dockerfiles.
    used: Vec<NameUse>,
}

/// A file to read before rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Relative to the directory of matrix.yaml, unless it is absolute.
    pub path: String,
    /// The directory that must contain it, relative to the same directory: the context, or `.`.
    pub folder: String,
    /// Where it is named; errors point here.
    pub span: Span,
}

impl Templates {
    /// The files that `cells` need and that have not been inserted, each once.
    pub fn needed(&self, cells: &[Cell]) -> Vec<Needed> {
        let mut needed = IndexMap::new();
        let mut last: Option<&Cell> = None;
        for cell in cells {
            // Consecutive cells mostly share a template: this saves walking its includes again.
            if last.is_some_and(|l| l.context == cell.context && l.dockerfile == cell.dockerfile) {
                continue;
            }
            last = Some(cell);
            self.reach(&cell.context, &cell.dockerfile, &cell.dockerfile_span, &mut needed);
        }
        needed.into_values().collect()
    }

    /// The same for the `files` of the matrix.
    pub fn needed_by(&self, files: &[FileRule]) -> Vec<Needed> {
        let mut needed = IndexMap::new();
        for file in files {
            self.reach(".", &file.template, &file.template_span, &mut needed);
        }
        needed.into_values().collect()
    }

    /// Walks a template and its includes, as far as they have been inserted.
    fn reach(
        &self,
        context: &str,
        template: &str,
        span: &Span,
        needed: &mut IndexMap<String, Needed>,
    ) {
        let mut seen = Vec::new();
        let mut waiting = vec![(template.to_owned(), span.clone())];
        while let Some((name, span)) = waiting.pop() {
            if seen.contains(&name) {
                continue;
            }
            let path = join(context, &name);
            match self.read.get(&path) {
                Some(template) => waiting.extend(template.includes()),
                None => {
                    let folder = context.to_owned();
                    needed.entry(path.clone()).or_insert(Needed { path, folder, span });
                }
            }
            seen.push(name);
        }
    }

    /// Adds a file that was read; `path` is that of its [`Needed`].
    pub fn insert(&mut self, path: &str, file: SourceFile) -> Result<(), Diagnostics> {
        self.read.insert(path.to_owned(), Template::file(file)?);
        Ok(())
    }

    /// The template `name` in a context directory.
    pub(super) fn get(&self, context: &str, name: &str) -> Option<&Template> {
        self.read.get(&join(context, name))
    }

    /// The names that the templates use, in their order.
    pub fn names(&self) -> Vec<NameUse> {
        self.read.values().flat_map(Template::names).collect()
    }

    /// The files that were read.
    pub fn sources(&self) -> Sources {
        let files = self.read.values().filter_map(Template::source_file);
        Sources::new(files.map(|file| (file.name().clone(), file.clone())).collect())
    }

    /// Adds names that are used outside Dockerfiles.
    pub fn also_used(&mut self, names: Vec<NameUse>) {
        self.used.extend(names);
    }

    pub(super) fn used(&self) -> Vec<NameUse> {
        let mut all = self.names();
        all.extend(self.used.iter().cloned());
        all
    }
}

fn join(context: &str, name: &str) -> String {
    match context.trim_end_matches('/') {
        "." => name.to_owned(),
        "" => format!("/{name}"),
        context => format!("{context}/{name}"),
    }
}
