//! One image of the matrix.

use std::sync::Arc;

use crate::cell_name::CellName;
use crate::error::Span;
use crate::image::{Platform, Reference, Repository};
use crate::input::{Caches, Inputs, MediaTypes, Retry, SmokeTest};
use crate::matrix::model::{Axis, BaseWanted, Settings, in_context};
use crate::matrix::selection::Overrides;
use crate::template::{Scope, Template};

/// A combination of one value of each axis, with its settings.
#[derive(Debug, Clone)]
pub struct Cell {
    /// See [`NameParts`](super::name::NameParts).
    pub name: CellName,
    /// Axis and value, in the order of the file.
    pub axes: Vec<(Arc<str>, Arc<str>)>,
    /// The names that its template can use.
    pub scope: Scope,
    /// All names of the image; at least one.
    pub references: Vec<Reference>,
    pub platforms: Arc<[Platform]>,
    /// The context directory, relative to the directory of matrix.yaml.
    pub context: Arc<str>,
    /// The template, relative to the context directory unless it is absolute.
    pub dockerfile: Arc<str>,
    /// Whether that is a template; if not, it is copied unchanged.
    pub is_template: bool,
    /// The ignore file in place of those of its template and context, relative to the directory of
    /// matrix.yaml unless it is absolute.
    pub dockerignore: Option<Arc<str>>,
    /// Paths are relative to the directory of matrix.yaml.
    pub inputs: Inputs,
    /// As written in the matrix and in flags; see [`Cache::of_cell`](crate::input::Cache::of_cell).
    pub caches: Caches,
    /// The labels to add for the base image, which only the rendered Dockerfile names.
    pub base: BaseWanted,
    pub media_types: MediaTypes,
    /// The smoke test. The path of a script is relative to the directory of matrix.yaml.
    pub smoke: Option<Arc<SmokeTest>>,
    /// Which failures are followed by another attempt.
    pub retry: Retry,
    /// The indices of its axis values.
    pub(crate) values: Box<[u32]>,
    /// For each tag, the index of its rule.
    pub(crate) tag_rules: Box<[u16]>,
    pub(crate) shared: Arc<Shared>,
}

/// Settings that many cells share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) axes: Arc<Vec<Axis>>,
    pub(crate) image_span: Span,
    pub(crate) tag_spans: Arc<[Span]>,
    pub(crate) overrides: Arc<Overrides>,
}

impl Cell {
    /// `os=ubuntu version=2.0.11 type=pro`
    pub fn describe(&self) -> String {
        let pairs: Vec<String> =
            self.axes.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        pairs.join(" ")
    }

    /// The path of its template, relative to the directory of matrix.yaml.
    pub fn template(&self) -> String {
        in_context(&self.context, &self.dockerfile)
    }

    /// The directory of the files that its template includes: the context, or the template's own
    /// directory if that is elsewhere.
    pub(crate) fn include_directory(&self) -> String {
        if self.has_template_in_context() {
            return self.context.to_string();
        }
        match self.template().rsplit_once('/') {
            Some(("", _)) => "/".to_owned(),
            Some((directory, _)) => directory.to_owned(),
            None => ".".to_owned(),
        }
    }

    /// Whether its template is inside its context, if no link leads elsewhere.
    pub(crate) fn has_template_in_context(&self) -> bool {
        !self.dockerfile.starts_with('/') && !self.dockerfile.starts_with("../")
    }

    /// Where the matrix names the template, or at least its context.
    pub fn template_span(&self) -> Option<Span> {
        let settings = &self.shared.settings;
        settings.dockerfile.as_ref().map(Template::span).or_else(|| self.context_span())
    }

    /// Where the matrix names the ignore file.
    pub fn dockerignore_span(&self) -> Option<Span> {
        self.shared.settings.dockerignore.as_ref().map(Template::span)
    }

    /// Where the matrix names the context.
    pub fn context_span(&self) -> Option<Span> {
        self.shared.settings.context.as_ref().map(Template::span)
    }

    /// The overrides of flags.
    pub fn overrides(&self) -> &Overrides {
        &self.shared.overrides
    }

    /// Where the matrix names the caches to write.
    pub fn cache_to_span(&self) -> Option<&Span> {
        self.shared.settings.cache_to.as_ref().map(|given| &given.span)
    }

    /// The repositories of its references, each once.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        let references = self.references.iter().step_by(self.tag_rules.len().max(1));
        references.map(|reference| &reference.repository)
    }

    /// Where the value of axis `index` is in the file.
    pub(crate) fn axis_span(&self, index: usize) -> &Span {
        &self.shared.axes[index].values[self.values[index] as usize].span
    }

    /// Where the rule of its tag `index` is in the file.
    pub(crate) fn tag_span(&self, index: usize) -> &Span {
        &self.shared.tag_spans[usize::from(self.tag_rules[index])]
    }
}
