//! The files of a matrix: matrix.yaml, and those that it extends. The core does not read files: it
//! returns the names that it needs, and receives their text.

use std::collections::HashMap;

use super::deprecated;
use super::foreign;
use super::other_format::other_format;
use super::overlay::overlaid;
use super::read;
use super::reader::Reader;
use super::required;
use crate::allow::Allows;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::matrix::model::{Axis, AxisSource, Matrix, ResolvedAxes};
use crate::yaml::{self, Document, Entry, Language, Node, NodeKind};

/// A longer chain of files is treated as a cycle.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 64;

const LANGUAGE: Language = Language {
    single: "a matrix is one YAML document",
    least: "a matrix requires at least `image` and `tag`",
    tags: &[],
};

/// A matrix and the files that it extends, as far as they are loaded.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    file: SourceFile,
    /// Keyed by the path in [`NeededFile`].
    pages: HashMap<String, Page>,
    allows: Allows,
    warnings: Diagnostics,
    errors: Diagnostics,
}

/// A file that must be loaded before the matrix can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NeededFile {
    /// The path as the user would write it from the current directory.
    pub path: String,
    /// The place that refers to it.
    pub span: Span,
}

/// The merged tree of all files.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    file: SourceFile,
    root: Node,
    allows: Allows,
    warnings: Diagnostics,
    errors: Diagnostics,
}

#[derive(Debug, Clone)]
struct Page {
    root: Node,
    extends: Vec<NeededFile>,
}

/// The state of merging files.
#[derive(Default)]
struct Laid {
    /// The chain of files that are being merged, each extended by the one before.
    open: Vec<NeededFile>,
    /// Merged files by path: each is merged once, however many files extend it.
    trees: HashMap<String, Node>,
    errors: Diagnostics,
}

impl Files {
    /// Starts with matrix.yaml itself.
    pub(crate) fn new(file: SourceFile) -> Result<Self, Diagnostics> {
        let mut files = Self {
            file: file.clone(),
            pages: HashMap::new(),
            allows: Allows::default(),
            warnings: Diagnostics::default(),
            errors: Diagnostics::default(),
        };
        files.add(file.name(), &file)?;
        Ok(files)
    }

    /// The files that are still to be loaded, without duplicates.
    pub(crate) fn needed(&self) -> Vec<NeededFile> {
        let mut needed: Vec<NeededFile> = Vec::new();
        for wanted in self.pages.values().flat_map(|page| &page.extends) {
            let known = needed.iter().any(|known| known.path == wanted.path);
            if !known && !self.pages.contains_key(&wanted.path) {
                needed.push(wanted.clone());
            }
        }
        needed.sort_by(|left, right| left.path.cmp(&right.path));
        needed
    }

    /// Adds a loaded file; `path` is the one in [`NeededFile`].
    pub(crate) fn insert(&mut self, path: &str, file: &SourceFile) -> Result<(), Diagnostics> {
        if self.pages.len() >= MAX_FILES {
            let message = format!("a matrix can extend at most {MAX_FILES} files");
            return Err(Diagnostic::error(message).at(&file.span(0..0), "").into());
        }
        self.add(path, file)
    }

    fn add(&mut self, path: &str, file: &SourceFile) -> Result<(), Diagnostics> {
        if let Some(error) = other_format(file) {
            return Err(error.into());
        }
        let Document { mut root, comments, errors } =
            yaml::read(file, &LANGUAGE).map_err(foreign::explained)?;
        self.allows.read(file, &comments, &root);
        let mut reader = Reader::new(errors, None);
        if *file != self.file && !matches!(root.kind, NodeKind::Map(_)) {
            // Such a file cannot be merged.
            reader.unfit(&root.span, file.name(), "a map of `key: value`", &root.kind);
        }
        required::check(&mut root, &mut reader)?;
        deprecated::rename(&mut root, &mut self.warnings);
        let extends = extends(&mut root, file, &mut reader);
        self.errors.extend(reader.errors);
        self.pages.insert(path.to_owned(), Page { root, extends });
        Ok(())
    }

    /// Merges the files.
    pub(crate) fn merged(self) -> Result<Sheet, Diagnostics> {
        let name = self.file.name().to_string();
        let mut laid = Laid { errors: self.errors.clone(), ..Laid::default() };
        let root = self.tree(&name, &mut laid)?;
        let Self { file, allows, warnings, .. } = self;
        Ok(Sheet { file, root, allows, warnings, errors: laid.errors })
    }

    /// Merges a file with the files that it extends.
    fn tree(&self, path: &str, laid: &mut Laid) -> Result<Node, Diagnostics> {
        if let Some(tree) = laid.trees.get(path) {
            return Ok(tree.clone());
        }
        let page = &self.pages[path];
        let mut below: Option<Node> = None;
        for wanted in &page.extends {
            let first = **self.file.name() == wanted.path;
            let open = &laid.open;
            if first
                || open.iter().any(|known| known.path == wanted.path)
                || open.len() >= MAX_DEPTH
            {
                let finding = Diagnostic::error("these files extend each other");
                let finding = finding
                    .at(&wanted.span, "this closes the cycle")
                    .help("remove one of these `extends`");
                let through = |finding: Diagnostic, by: &NeededFile| finding.at(&by.span, "");
                return Err(open.iter().fold(finding, through).into());
            }
            if !self.pages.contains_key(&wanted.path) {
                let message = format!("`{}` was not loaded", wanted.path);
                return Err(Diagnostic::error(message).at(&wanted.span, "").into());
            }
            laid.open.push(wanted.clone());
            let tree = self.tree(&wanted.path, laid)?;
            laid.open.pop();
            below = Some(match below {
                Some(below) => overlaid(below, tree, &mut laid.errors),
                None => tree,
            });
        }
        let tree = match below {
            Some(below) => overlaid(below, page.root.clone(), &mut laid.errors),
            None => page.root.clone(),
        };
        laid.trees.insert(path.to_owned(), tree.clone());
        Ok(tree)
    }
}

impl Sheet {
    /// The axes that the files define, even if there are other errors.
    pub(crate) fn axes(&self) -> Vec<Axis> {
        read::axes(&self.root).0
    }

    /// The axes whose values are loaded from a source.
    pub(crate) fn axis_sources(&self) -> Vec<AxisSource> {
        read::axes(&self.root).1
    }

    /// Reads the matrix with the values loaded from sources; reports all errors at once.
    pub(crate) fn read(&self, resolved: &ResolvedAxes) -> Result<Matrix, Diagnostics> {
        let matrix = read::read(&self.file, &self.root, self.errors.clone(), resolved)?;
        let mut warnings = self.warnings.clone();
        warnings.extend(matrix.warnings);
        Ok(Matrix { allows: self.allows.clone(), warnings, ..matrix })
    }
}

/// Removes `extends` from a tree: it applies to this file only.
fn extends(root: &mut Node, file: &SourceFile, reader: &mut Reader<'_>) -> Vec<NeededFile> {
    let NodeKind::Map(entries) = &mut root.kind else { return Vec::new() };
    let Some(at) = entries.iter().position(|entry| entry.key == "extends") else {
        return Vec::new();
    };
    let Entry { value, .. } = entries.remove(at);
    let mut found: Vec<NeededFile> = Vec::new();
    for (text, span) in reader.texts(&value, "extends") {
        if text.is_empty() || text.chars().any(char::is_control) || text.contains("://") {
            reader.error(
                span,
                "`extends` requires a file path, relative to the directory of this file",
            );
            continue;
        }
        let directory = file.name().rsplit_once('/').map_or("", |(directory, _)| directory);
        let text = text.trim_start_matches("./");
        let path = match (text.starts_with('/'), directory, file.name().starts_with('/')) {
            (true, ..) | (_, "", false) => text.to_owned(),
            _ => format!("{directory}/{text}"),
        };
        found.push(NeededFile { path, span: span.clone() });
    }
    found
}
