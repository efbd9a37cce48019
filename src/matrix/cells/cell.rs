//! One image of the matrix.

use std::sync::Arc;

use crate::cell_name::CellName;
use crate::error::Span;
use crate::image::{Platform, Reference, Repository};
use crate::input::{Caches, Inputs, MediaTypes, Test};
use crate::matrix::model::{Axis, BaseWanted, Settings};
use crate::matrix::selection::Overrides;
use crate::template::Scope;

/// A combination of one value of each axis, with all that the matrix says of it.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its first tag, or the first reference where several repositories share their tags.
    pub name: CellName,
    /// Axis and value, in the order of the file.
    pub axes: Vec<(Arc<str>, Arc<str>)>,
    /// Everything that its template may use.
    pub scope: Scope,
    /// Every name the image gets; at least one.
    pub references: Vec<Reference>,
    pub platforms: Arc<[Platform]>,
    /// The context folder, counted from the folder of matrix.yaml.
    pub context: Arc<str>,
    /// The template, counted from the context folder.
    pub dockerfile: Arc<str>,
    /// Where the matrix names the template.
    pub dockerfile_span: Span,
    /// Paths are relative to the directory of matrix.yaml.
    pub inputs: Inputs,
    /// As the matrix and the flags write them, without what makes them this cell's own.
    pub caches: Caches,
    /// What is asked to be told of the base image, which the rendered Dockerfile alone names.
    pub base: BaseWanted,
    pub media_types: MediaTypes,
    /// How the image is tried; a script is counted from the folder of matrix.yaml.
    pub test: Option<Arc<Test>>,
    /// Its values by their numbers.
    pub(crate) values: Box<[u32]>,
    /// For each tag the number of the rule that it comes from.
    pub(crate) tag_rules: Box<[u16]>,
    pub(crate) shared: Arc<Shared>,
}

/// What many cells have in common.
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

    /// What flags say of it in place of the file.
    pub fn overrides(&self) -> &Overrides {
        &self.shared.overrides
    }

    /// Where the matrix says that it writes caches.
    pub fn cache_to_span(&self) -> Option<&Span> {
        self.shared.settings.cache_to.as_ref().map(|given| &given.span)
    }

    /// The repositories of its references, each once.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        let references = self.references.iter().step_by(self.tag_rules.len().max(1));
        references.map(|reference| &reference.repository)
    }

    /// Where the value of axis `index` stands.
    pub(crate) fn axis_span(&self, index: usize) -> &Span {
        &self.shared.axes[index].values[self.values[index] as usize].span
    }

    /// Where the rule of its tag number `index` stands.
    pub(crate) fn tag_span(&self, index: usize) -> &Span {
        &self.shared.tag_spans[usize::from(self.tag_rules[index])]
    }
}
