//! The files of a plan: templates, ignore files and scripts, and which have not been read yet.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::sources::Sources;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::input::SmokeCommand;
use crate::matrix::{Cell, FileRule};
use crate::template::{NameUse, Template};

/// The content of files, by the paths of their [`Needed`].
#[derive(Debug, Clone, Default)]
pub struct PlanFiles {
    templates: IndexMap<String, Template>,
    /// `None` if there is no such file.
    ignore_files: HashMap<String, Option<Arc<str>>>,
    scripts: HashMap<String, Arc<[u8]>>,
    /// Names that are used outside Dockerfiles.
    used: Vec<NameUse>,
}

/// A file to read before planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    pub kind: FileKind,
    /// Relative to the directory of matrix.yaml, unless it is absolute.
    pub path: String,
    /// The directory that must contain it, relative to the same directory: the context, or `.`.
    pub folder: String,
    /// Where it is named; errors point here.
    pub span: Span,
}

/// The use of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Template,
    /// `NAME.dockerignore` beside a template, which replaces the `.dockerignore` of the context. Only
    /// this kind of file may be missing.
    IgnoreFile,
    /// The script of a smoke test.
    Script,
}

impl PlanFiles {
    /// The files that `cells` need and that have not been inserted, each once: first templates, and the
    /// other files after all templates have been inserted.
    pub fn needed(&self, cells: &[Cell]) -> Vec<Needed> {
        let mut needed = IndexMap::new();
        for cell in first_of_each_template(cells) {
            self.reach(&cell.context, &cell.dockerfile, &cell.dockerfile_span, &mut needed);
        }
        if !needed.is_empty() {
            return needed.into_values().collect();
        }
        let mut add = |kind, path: String, folder: &str, span: &Span| {
            let (folder, span) = (folder.to_owned(), span.clone());
            needed.entry(path.clone()).or_insert(Needed { kind, path, folder, span });
        };
        for cell in cells {
            let Some(smoke) = &cell.smoke else { continue };
            if let Some(SmokeCommand::Script(path)) = &smoke.command
                && self.script(path).is_none()
            {
                add(FileKind::Script, path.to_string_lossy().into_owned(), ".", &smoke.span);
            }
        }
        for cell in first_of_each_template(cells) {
            let path = ignore_file(&cell.context, &cell.dockerfile);
            if !self.ignore_files.contains_key(&path) {
                add(FileKind::IgnoreFile, path, &cell.context, &cell.dockerfile_span);
            }
        }
        needed.into_values().collect()
    }

    /// The same for the templates of the `files` of the matrix.
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
            match self.templates.get(&path) {
                Some(template) => waiting.extend(template.includes()),
                None => {
                    let (kind, folder) = (FileKind::Template, context.to_owned());
                    needed.entry(path.clone()).or_insert(Needed { kind, path, folder, span });
                }
            }
            seen.push(name);
        }
    }

    /// Adds a file that was read; `None` if there is no such file.
    pub fn insert(&mut self, needed: &Needed, file: Option<SourceFile>) -> Result<(), Diagnostics> {
        let path = needed.path.clone();
        match (needed.kind, file) {
            (FileKind::Template, Some(file)) => {
                self.templates.insert(path, Template::file(file)?);
            }
            (FileKind::IgnoreFile, file) => {
                self.ignore_files.insert(path, file.map(|file| file.text().into()));
            }
            (FileKind::Script, Some(file)) => {
                self.scripts.insert(path, script(&file, &needed.span)?);
            }
            (FileKind::Template, None) => return Err(unread("template", &path, &needed.span)),
            (FileKind::Script, None) => return Err(unread("script", &path, &needed.span)),
        }
        Ok(())
    }

    /// The template `name` in a context directory.
    pub(super) fn template(&self, context: &str, name: &str) -> Option<&Template> {
        self.templates.get(&join(context, name))
    }

    /// The ignore file of the template `name`.
    pub(super) fn ignore_file(&self, context: &str, name: &str) -> Option<Arc<str>> {
        self.ignore_files.get(&ignore_file(context, name)).cloned().flatten()
    }

    /// A script, by its path in the matrix.
    pub(super) fn script(&self, path: &Path) -> Option<&Arc<[u8]>> {
        self.scripts.get(&*path.to_string_lossy())
    }

    /// The names that the templates use, in their order.
    pub fn names(&self) -> Vec<NameUse> {
        self.templates.values().flat_map(Template::names).collect()
    }

    /// The templates that were read.
    pub fn sources(&self) -> Sources {
        let files = self.templates.values().filter_map(Template::source_file);
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

/// The error for a file that has not been inserted.
pub(super) fn unread(what: &str, path: &str, span: &Span) -> Diagnostics {
    Diagnostic::error(format!("the {what} `{path}` was not read")).at(span, "").into()
}

/// The content of a script, which must name its interpreter.
fn script(file: &SourceFile, span: &Span) -> Result<Arc<[u8]>, Diagnostics> {
    let first = file.text().split('\n').next().unwrap_or_default();
    let wrong = |what: &str, help: &str| {
        let message = format!("the script {} {what}", file.name());
        Err(Diagnostic::error(message).at(span, "").help(help).into())
    };
    if !first.starts_with("#!") {
        return wrong(
            "has no `#!` line",
            "add an interpreter in the first line, such as `#!/bin/sh`",
        );
    }
    if first.ends_with('\r') {
        return wrong(
            "has Windows line endings",
            "the interpreter's name would end in a carriage return: save the script with Unix line \
             endings",
        );
    }
    Ok(file.text().as_bytes().into())
}

/// `cells` without those that use the template of the cell before them. Consecutive cells mostly share
/// a template, and this saves walking its includes again.
fn first_of_each_template(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    let is_new = |at: &usize| {
        let before = at.checked_sub(1).map(|before| &cells[before]);
        let cell = &cells[*at];
        before.is_none_or(|b| b.context != cell.context || b.dockerfile != cell.dockerfile)
    };
    (0..cells.len()).filter(is_new).map(|at| &cells[at])
}

/// The path of the ignore file of a template.
fn ignore_file(context: &str, template: &str) -> String {
    format!("{}.dockerignore", Path::new(context).join(template).display())
}

fn join(context: &str, name: &str) -> String {
    match context.trim_end_matches('/') {
        "." => name.to_owned(),
        "" => format!("/{name}"),
        context => format!("{context}/{name}"),
    }
}
