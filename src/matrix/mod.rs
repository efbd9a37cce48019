//! matrix.yaml: what it says, which cells come of it, and which of them are wanted. Pure.
//!
//! [`Matrix::parse`] reads the file and finds everything that is wrong with it alone;
//! [`Matrix::select`] checks the wishes of the command line against it; [`Selected::expand`] makes
//! the [`Cell`]s. Errors of the second kind are wrong usage, the others a wrong matrix.

mod asked;
mod axis;
mod cell;
mod check;
mod committed;
mod expand;
mod facts;
mod files;
mod json;
#[cfg(test)]
mod language_tests;
mod latest;
mod lost_tags;
mod make;
mod origin;
mod outside;
mod overlay;
mod pattern;
mod range;
mod read;
mod reader;
mod rule;
mod selection;
mod settings;
mod shared;

mod test;
#[cfg(test)]
mod tests;

pub use asked::{Asked, AskedFor, AskedVariable};
pub use axis::{Axis, AxisValue};
pub use cell::{BaseLabels, BaseWanted, Cell};
pub use committed::CommittedFile;
pub use expand::Expansion;
pub use facts::Facts;
pub use files::{Files, NeededFile, Sheet};
pub use origin::{Origin, Source};
pub use outside::{Outside, OutsideValue, PAGE, Resolved, Taken, TokenVariable};
pub use read::SETTINGS;
pub use selection::{Overrides, Pick, Selected, Selection, Unnamed};
pub use settings::{Declared, DeclaredKind};

use std::collections::HashSet;
use std::sync::Arc;

use crate::allow::Allows;
use crate::error::{Diagnostics, SourceFile, Span};
use crate::template::{Condition, NameUse, Template};
use read::FACTS;
use rule::{Included, Layer, Rule};
use settings::Settings;

/// A matrix.yaml without errors.
#[derive(Debug, Clone)]
pub struct Matrix {
    file: SourceFile,
    axes: Vec<Axis>,
    /// The key `axes` itself.
    axes_span: Span,
    /// For each axis the values that `build` takes when it is not named; empty for all.
    defaults: Vec<Vec<usize>>,
    images: Vec<Template>,
    tags: Vec<TagRule>,
    settings: Settings,
    exclude: Vec<Rule>,
    include: Vec<Layer>,
    /// The cells that entries of `include` add.
    included: Vec<Included>,
    overrides: Vec<Layer>,
    outside: Vec<Outside>,
    committed: Vec<CommittedFile>,
    allows: Allows,
    warnings: Diagnostics,
}

/// A tag, and when a cell carries it.
#[derive(Debug, Clone)]
struct TagRule {
    tag: Template,
    when: Option<Condition>,
}

/// A name for templates, made of other names.
#[derive(Debug, Clone)]
struct Var {
    name: Arc<str>,
    span: Span,
    value: VarValue,
}

#[derive(Debug, Clone)]
enum VarValue {
    Text(Template),
    List(Vec<Template>),
}

impl VarValue {
    /// Where it stands; an empty list stands nowhere.
    fn span(&self) -> Option<Span> {
        match self {
            Self::Text(template) => Some(template.span()),
            Self::List(items) => items.first().map(Template::span),
        }
    }

    fn templates(&self) -> &[Template] {
        match self {
            Self::Text(template) => std::slice::from_ref(template),
            Self::List(items) => items,
        }
    }

    fn names(&self) -> impl Iterator<Item = NameUse> {
        self.templates().iter().flat_map(Template::names)
    }
}

impl Matrix {
    /// Reads a matrix that stands in one file alone; all its errors at once.
    pub fn parse(file: SourceFile) -> Result<Self, Diagnostics> {
        Files::new(file)?.merged()?.read(&Resolved::default())
    }

    /// In the order of the file: the first one varies slowest.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The axis called `name`.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| *axis.name == *name)
    }

    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// Where the values of axes come from that the file itself does not list.
    pub fn outside(&self) -> &[Outside] {
        &self.outside
    }

    /// Files that are rendered with the values of one cell and committed.
    pub fn committed(&self) -> &[CommittedFile] {
        &self.committed
    }

    /// What is odd about the file but stops nothing.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The acknowledgements in its files.
    pub fn allows(&self) -> &Allows {
        &self.allows
    }

    /// Every name that its files give to something of a build.
    pub fn declared(&self) -> impl Iterator<Item = &Declared> {
        check::all_settings(self).flat_map(|settings| &settings.declared)
    }

    /// The names of the vars, which flags may override.
    pub fn vars(&self) -> impl Iterator<Item = &str> {
        self.all_vars().map(|var| &*var.name)
    }

    /// Those of `vars`, then those that entries of `include` bring; each name once.
    fn all_vars(&self) -> impl Iterator<Item = &Var> {
        let own = &self.settings.vars;
        let more: Vec<&Var> = self.include.iter().flat_map(|layer| &layer.settings.vars).collect();
        let is_new = |index: &usize| {
            let name = &more[*index].name;
            own.iter().chain(more[..*index].iter().copied()).all(|var| var.name != *name)
        };
        let new: Vec<&Var> = (0..more.len()).filter(is_new).map(|index| more[index]).collect();
        own.iter().chain(new)
    }

    /// Whether a template may use `name`, in some cell at least.
    pub(crate) fn defines(&self, name: &str) -> bool {
        FACTS.contains(&name) || self.axis(name).is_some() || self.vars().any(|var| var == name)
    }

    /// Where some label is asked for that is made from what Git and the environment know: [`Facts`].
    pub fn wants_facts(&self) -> Option<&Span> {
        let layers = self.include.iter().chain(&self.overrides).map(|layer| &layer.settings);
        let all = std::iter::once(&self.settings).chain(layers);
        let asked = all.flat_map(|settings| [&settings.auto_labels, &settings.auto_annotations]);
        asked.flatten().find(|given| given.value.git).map(|given| &given.span)
    }

    /// Whether every value of every axis is in one of these cells.
    pub(crate) fn is_covered_by(&self, cells: &[Cell]) -> bool {
        self.axes.iter().enumerate().all(|(index, axis)| {
            let seen: HashSet<&str> =
                cells.iter().filter_map(|cell| Some(&*cell.axes.get(index)?.1)).collect();
            axis.values.iter().all(|value| seen.contains(&*value.text))
        })
    }
}
