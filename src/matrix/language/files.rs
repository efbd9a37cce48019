//! The files of a matrix: matrix.yaml, and those that it extends. The core reads none: it says
//! which ones are wanted, and is handed their text.

use std::collections::HashMap;

use super::overlay::overlaid;
use super::read;
use super::reader::Reader;
use crate::allow::Allows;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::matrix::model::{Axis, AxisSource, Matrix, ResolvedAxes};
use crate::yaml::{self, Document, Entry, Kind, Language, Node};

/// A chain of files longer than this leads in a circle.
const DEEPEST: usize = 16;
const MOST_FILES: usize = 64;

const LANGUAGE: Language = Language {
    single: "a matrix is one YAML document",
    least: "a matrix has at least `image`, `tag`, `platforms` and `axes`",
    tags: &[],
};

/// A matrix and the files that it extends, as far as they have been read.
#[derive(Debug, Clone)]
pub struct Files {
    file: SourceFile,
    /// By their names, as [`NeededFile`] says them.
    pages: HashMap<String, Page>,
    allows: Allows,
    errors: Diagnostics,
}

/// A file that has to be read before the matrix can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededFile {
    /// As the person would name it from the current folder.
    pub path: String,
    /// What asks for it.
    pub span: Span,
}

/// The tree of all files together.
#[derive(Debug, Clone)]
pub struct Sheet {
    file: SourceFile,
    root: Node,
    allows: Allows,
    errors: Diagnostics,
}

#[derive(Debug, Clone)]
struct Page {
    root: Node,
    extends: Vec<NeededFile>,
}

/// What laying files over each other has come to so far.
#[derive(Default)]
struct Laid {
    /// Those that are being laid, each extended by the one before.
    open: Vec<NeededFile>,
    /// Files that are done, by their paths: each is laid once, however many extend it.
    trees: HashMap<String, Node>,
    errors: Diagnostics,
}

impl Files {
    /// Starts with matrix.yaml itself.
    pub fn new(file: SourceFile) -> Result<Self, Diagnostics> {
        let mut files = Self {
            file: file.clone(),
            pages: HashMap::new(),
            allows: Allows::default(),
            errors: Diagnostics::default(),
        };
        files.add(file.name(), &file)?;
        Ok(files)
    }

    /// The files that are still to be read, each once.
    pub fn needed(&self) -> Vec<NeededFile> {
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

    /// Adds a file that was read, `path` being as [`NeededFile`] said it.
    pub fn insert(&mut self, path: &str, file: &SourceFile) -> Result<(), Diagnostics> {
        if self.pages.len() >= MOST_FILES {
            let message = format!("a matrix extends {MOST_FILES} files at most");
            return Err(Diagnostic::error(message).at(&file.span(0..0), "").into());
        }
        self.add(path, file)
    }

    fn add(&mut self, path: &str, file: &SourceFile) -> Result<(), Diagnostics> {
        let Document { mut root, comments, errors } = yaml::read(file, &LANGUAGE)?;
        self.allows.read(file, &comments, &root);
        let mut reader = Reader::new(errors, None);
        if *file != self.file && !matches!(root.kind, Kind::Map(_)) {
            // Nothing of it could be laid under anything.
            reader.unfit(&root.span, file.name(), "a map of `key: value`", &root.kind);
        }
        let extends = extends(&mut root, file, &mut reader);
        self.errors.extend(reader.errors);
        self.pages.insert(path.to_owned(), Page { root, extends });
        Ok(())
    }

    /// Lays the files over each other.
    pub fn merged(self) -> Result<Sheet, Diagnostics> {
        let name = self.file.name().to_string();
        let mut laid = Laid { errors: self.errors.clone(), ..Laid::default() };
        let root = self.tree(&name, &mut laid)?;
        Ok(Sheet { file: self.file, root, allows: self.allows, errors: laid.errors })
    }

    /// A file laid over those that it extends.
    fn tree(&self, path: &str, laid: &mut Laid) -> Result<Node, Diagnostics> {
        if let Some(tree) = laid.trees.get(path) {
            return Ok(tree.clone());
        }
        let page = &self.pages[path];
        let mut below: Option<Node> = None;
        for wanted in &page.extends {
            let first = **self.file.name() == wanted.path;
            let open = &laid.open;
            if first || open.iter().any(|known| known.path == wanted.path) || open.len() >= DEEPEST
            {
                let finding = Diagnostic::error("files extend each other in a circle");
                let finding = finding.at(&wanted.span, "this leads back");
                let through = |finding: Diagnostic, by: &NeededFile| finding.at(&by.span, "");
                return Err(open.iter().fold(finding, through).into());
            }
            if !self.pages.contains_key(&wanted.path) {
                let message = format!("`{}` was not read", wanted.path);
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
    /// The axes, as far as the files alone tell them, whatever else may be wrong.
    pub fn axes(&self) -> Vec<Axis> {
        read::axes(&self.root).0
    }

    /// The axes whose values come from elsewhere.
    pub fn axis_sources(&self) -> Vec<AxisSource> {
        read::axes(&self.root).1
    }

    /// Reads the matrix, with the values that come from elsewhere; all its errors at once.
    pub fn read(&self, resolved: &ResolvedAxes) -> Result<Matrix, Diagnostics> {
        let matrix = read::read(&self.file, &self.root, self.errors.clone(), resolved)?;
        Ok(Matrix { allows: self.allows.clone(), ..matrix })
    }
}

/// Takes `extends` out of a tree: what it says holds for this file alone.
fn extends(root: &mut Node, file: &SourceFile, reader: &mut Reader<'_>) -> Vec<NeededFile> {
    let Kind::Map(entries) = &mut root.kind else { return Vec::new() };
    let Some(at) = entries.iter().position(|entry| entry.key == "extends") else {
        return Vec::new();
    };
    let Entry { value, .. } = entries.remove(at);
    let mut found: Vec<NeededFile> = Vec::new();
    for (text, span) in reader.texts(&value, "extends") {
        if text.is_empty() || text.chars().any(char::is_control) || text.contains("://") {
            reader.error(span, "`extends` takes a file, counted from the folder of this one");
            continue;
        }
        let folder = file.name().rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = text.trim_start_matches("./");
        let path = match (text.starts_with('/'), folder, file.name().starts_with('/')) {
            (true, ..) | (_, "", false) => text.to_owned(),
            _ => format!("{folder}/{text}"),
        };
        found.push(NeededFile { path, span: span.clone() });
    }
    found
}
