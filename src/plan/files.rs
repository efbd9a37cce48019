//! The files of a plan: templates, ignore files and scripts, and which have not been read yet.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::sources::Sources;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::input::SmokeCommand;
use crate::matrix::{Cell, FileRule, in_context};
use crate::template::{NameUse, Template};
use crate::text::unescaped;

/// The content of files, by the paths of their [`Needed`].
#[derive(Debug, Clone, Default)]
pub struct PlanFiles {
    templates: IndexMap<String, Template>,
    /// Dockerfiles that are not templates. A file can be one for some cells and a template for others.
    verbatim: IndexMap<String, Template>,
    /// `None` if there is no such file.
    ignore_files: HashMap<String, Option<SourceFile>>,
    scripts: HashMap<String, Arc<[u8]>>,
    /// Names that are used outside Dockerfiles.
    used: Vec<NameUse>,
}

/// The directories that templates and their includes are relative to, as named in errors.
const CONTEXT: &str = "context directory";
const OF_TEMPLATE: &str = "directory of the template";
const BESIDE: &str = "directory of matrix.yaml";

/// A file to read before planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    pub kind: FileKind,
    /// Relative to the directory of matrix.yaml, unless it is absolute.
    pub path: String,
    /// The directory that its name is relative to, which is relative to the same directory.
    pub folder: String,
    /// What that directory is.
    pub place: &'static str,
    /// Where it is named; errors point here. `None` for the default of a key.
    pub span: Option<Span>,
    /// The context that it is a template of, if the matrix names one.
    pub context: Option<(String, Span)>,
}

/// The use of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Template,
    /// A Dockerfile that is not a template.
    Verbatim,
    /// `NAME.dockerignore` beside a template, which replaces the `.dockerignore` of the context. Only
    /// this kind of file may be missing.
    IgnoreFile,
    /// The file that `dockerignore` names, which replaces both.
    GivenIgnoreFile,
    /// The script of a smoke test.
    Script,
}

impl PlanFiles {
    /// The files that `cells` need and that have not been inserted, each once: first templates, and the
    /// other files after all templates have been inserted.
    pub fn needed(&self, cells: &[Cell]) -> Vec<Needed> {
        let mut needed = IndexMap::new();
        for cell in first_of_each_template(cells) {
            self.reach(cell, &mut needed);
        }
        if !needed.is_empty() {
            return needed.into_values().collect();
        }
        let mut add = |kind, path: String, folder: &str, span: Option<Span>| {
            let folder = folder.to_owned();
            let file =
                Needed { kind, path: path.clone(), folder, place: CONTEXT, span, context: None };
            needed.entry(path).or_insert(file);
        };
        for cell in cells {
            let Some(smoke) = &cell.smoke else { continue };
            if let Some(SmokeCommand::Script(path)) = &smoke.command
                && self.script(path).is_none()
            {
                add(
                    FileKind::Script,
                    path.to_string_lossy().into_owned(),
                    ".",
                    Some(smoke.span.clone()),
                );
            }
        }
        for cell in first_of_each_template(cells) {
            let path = ignore_file(cell);
            if !self.ignore_files.contains_key(&path) {
                let (kind, span) = match cell.dockerignore_span() {
                    Some(span) => (FileKind::GivenIgnoreFile, Some(span)),
                    None => (FileKind::IgnoreFile, cell.template_span()),
                };
                add(kind, path, &cell.context, span);
            }
        }
        needed.into_values().collect()
    }

    /// The same for the templates of the `files` of the matrix.
    pub fn needed_by(&self, files: &[FileRule]) -> Vec<Needed> {
        let mut needed = IndexMap::new();
        for file in files {
            let span = Some(file.template_span.clone());
            if !file.is_template {
                let (kind, path) = (FileKind::Verbatim, in_context(".", &file.template));
                if self.read_as(kind, &path).is_none() {
                    let (folder, place) = (".".to_owned(), BESIDE);
                    let file =
                        Needed { kind, path: path.clone(), folder, place, span, context: None };
                    needed.entry(format!("copied {path}")).or_insert(file);
                }
                continue;
            }
            self.walk(vec![(file.template.clone(), span)], (".", BESIDE), &mut needed);
        }
        needed.into_values().collect()
    }

    /// The template of `cell` and its includes, as far as they have been inserted.
    fn reach(&self, cell: &Cell, needed: &mut IndexMap<String, Needed>) {
        let (path, kind) = (cell.template(), kind_of(cell));
        let Some(template) = self.read_as(kind, &path) else {
            let folder = cell.context.to_string();
            let context = cell.context_span().map(|span| (folder.clone(), span));
            let span = cell.template_span();
            let file = Needed { kind, path: path.clone(), folder, place: CONTEXT, span, context };
            needed.entry(path).or_insert(file);
            return;
        };
        let place = if cell.has_template_in_context() { CONTEXT } else { OF_TEMPLATE };
        self.walk(included(template), (&cell.include_directory(), place), needed);
    }

    /// Walks templates and their includes, whose names are relative to `folder`.
    fn walk(
        &self,
        mut waiting: Vec<(String, Option<Span>)>,
        (folder, place): (&str, &'static str),
        needed: &mut IndexMap<String, Needed>,
    ) {
        let mut seen = Vec::new();
        while let Some((name, span)) = waiting.pop() {
            if seen.contains(&name) {
                continue;
            }
            let path = in_context(folder, &name);
            match self.templates.get(&path) {
                Some(template) => waiting.extend(included(template)),
                None => {
                    let (kind, folder) = (FileKind::Template, folder.to_owned());
                    let path_of = path.clone();
                    let file = Needed { kind, path: path_of, folder, place, span, context: None };
                    needed.entry(path).or_insert(file);
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
            (FileKind::Verbatim, Some(file)) => {
                self.verbatim.insert(path, Template::verbatim(file));
            }
            // BuildKit takes an empty file for a missing one, and uses that of the context.
            (FileKind::GivenIgnoreFile, Some(file)) if file.text().is_empty() => {
                let file = SourceFile::new(file.name().clone(), "#\n");
                self.ignore_files.insert(path, Some(file));
            }
            (FileKind::IgnoreFile | FileKind::GivenIgnoreFile, file) => {
                self.ignore_files.insert(path, file);
            }
            (FileKind::Script, Some(file)) => {
                self.scripts.insert(path, script(&file, needed.span.as_ref())?);
            }
            (FileKind::Template | FileKind::Verbatim, None) => {
                return Err(unread("template", &path, needed.span.as_ref()));
            }
            (FileKind::Script, None) => return Err(unread("script", &path, needed.span.as_ref())),
        }
        Ok(())
    }

    fn read_as(&self, kind: FileKind, path: &str) -> Option<&Template> {
        match kind {
            FileKind::Verbatim => self.verbatim.get(path),
            _ => self.templates.get(path),
        }
    }

    /// The Dockerfile of a cell.
    pub(super) fn dockerfile(&self, cell: &Cell) -> Option<&Template> {
        self.read_as(kind_of(cell), &cell.template())
    }

    /// The file `name` beside the matrix, which is not a template.
    pub(super) fn copied(&self, name: &str) -> Option<&str> {
        self.read_as(FileKind::Verbatim, &in_context(".", name)).map(Template::text)
    }

    /// The template `name` in a directory.
    pub(super) fn template(&self, folder: &str, name: &str) -> Option<&Template> {
        self.templates.get(&in_context(folder, name))
    }

    /// The ignore file of a cell, in place of the one in its context.
    pub(super) fn ignore_file(&self, cell: &Cell) -> Option<SourceFile> {
        self.ignore_files.get(&ignore_file(cell)).cloned().flatten()
    }

    /// A script, by its path in the matrix.
    pub(super) fn script(&self, path: &Path) -> Option<&Arc<[u8]>> {
        self.scripts.get(&*path.to_string_lossy())
    }

    /// The names that the templates use, in their order.
    pub fn names(&self) -> Vec<NameUse> {
        self.templates.values().flat_map(Template::names).collect()
    }

    /// The places of each `<%` in the templates that is not a placeholder.
    pub fn plain_signs(&self) -> impl Iterator<Item = Span> {
        self.templates.values().flat_map(Template::plain_signs)
    }

    /// The templates that were read.
    pub fn sources(&self) -> Sources {
        let files = self.templates.values().chain(self.verbatim.values());
        let files = files.filter_map(Template::source_file);
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
pub(super) fn unread(what: &str, path: &str, span: Option<&Span>) -> Diagnostics {
    let finding = Diagnostic::error(format!("the {what} `{path}` was not read"));
    span.into_iter().fold(finding, |finding, span| finding.at(span, "")).into()
}

/// How the Dockerfile of `cell` is read.
fn kind_of(cell: &Cell) -> FileKind {
    if cell.is_template { FileKind::Template } else { FileKind::Verbatim }
}

/// The names of the files that `template` includes.
fn included(template: &Template) -> Vec<(String, Option<Span>)> {
    template.includes().into_iter().map(|(name, span)| (name, Some(span))).collect()
}

/// The content of a script, which must name its interpreter.
fn script(file: &SourceFile, span: Option<&Span>) -> Result<Arc<[u8]>, Diagnostics> {
    let first = file.text().split('\n').next().unwrap_or_default();
    let wrong = |what: &str, help: &str| {
        let message = format!("the script {} {what}", file.name());
        let finding = Diagnostic::error(message).help(help);
        Err(span.into_iter().fold(finding, |finding, span| finding.at(span, "")).into())
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
    Ok(Arc::from(&*unescaped(file.text())))
}

/// `cells` without those that use the template of the cell before them. Consecutive cells mostly share
/// a template, and this saves walking its includes again.
fn first_of_each_template(cells: &[Cell]) -> impl Iterator<Item = &Cell> {
    let is_new = |at: &usize| {
        let before = at.checked_sub(1).map(|before| &cells[before]);
        let cell = &cells[*at];
        let files = |cell: &Cell| {
            let ignore = cell.dockerignore.clone();
            (cell.context.clone(), cell.dockerfile.clone(), ignore, cell.is_template)
        };
        before.is_none_or(|before| files(before) != files(cell))
    };
    (0..cells.len()).filter(is_new).map(|at| &cells[at])
}

/// The path of the ignore file in place of the one in the context.
fn ignore_file(cell: &Cell) -> String {
    match &cell.dockerignore {
        Some(given) => given.to_string(),
        None => format!("{}.dockerignore", cell.template()),
    }
}
