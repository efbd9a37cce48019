//! The content of a matrix: its axes, its rules, and the settings of its cells.

mod axis;
mod axis_source;
mod file_rule;
mod given;
mod json_path;
mod labels;
mod paths;
mod pattern;
mod product;
pub(crate) mod range;
mod rule;
mod settings;
mod smoke;
mod var;

pub(crate) use axis::{Axis, AxisValue, known_axes};
pub(crate) use axis_source::{AxisSource, PAGE, ResolvedAxes, SourceValue, TokenVariable};
pub(crate) use file_rule::FileRule;
pub(crate) use labels::{BaseLabels, BaseWanted};
pub(crate) use settings::{Declared, DeclaredKind};

pub(crate) use axis::{Lookup, unknown_order};
pub(crate) use given::{Given, Texts};
pub(crate) use json_path::JsonPath;
pub(crate) use labels::AutoLabels;
pub(crate) use paths::{
    in_context, is_variable, no_directory, no_path, relative, script, template_path, unusable,
    unusable_value,
};
pub(crate) use pattern::{Pattern, always_true};
pub(crate) use product::{MOST_CELLS, Product};
pub(crate) use rule::{Included, Layer, Rule, Rules};
pub(crate) use settings::{Agent, CacheRule, SecretPlace, SecretRule, Settings};
pub(crate) use smoke::{Command, SmokeRule, Words};
pub(crate) use var::{Var, VarValue};

use crate::allow::Allows;
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};
use crate::template::{Condition, NameUse, Template};

/// Names that every cell defines.
pub(crate) const CELL_NAMES: [&str; 4] = ["image", "tag", "latest", "prerelease"];

/// A matrix.yaml without errors.
#[derive(Debug, Clone)]
pub struct Matrix {
    pub(crate) file: SourceFile,
    pub(crate) axes: Vec<Axis>,
    /// The key `axes` itself.
    pub(crate) axes_span: Span,
    /// For each axis the values that `build` uses when the axis is not selected; empty for all.
    pub(crate) defaults: Vec<Vec<usize>>,
    pub(crate) images: Vec<Template>,
    pub(crate) tags: Vec<TagRule>,
    pub(crate) settings: Settings,
    pub(crate) exclude: Vec<Rule>,
    pub(crate) include: Vec<Layer>,
    /// The cells that entries of `include` add.
    pub(crate) included: Vec<Included>,
    pub(crate) overrides: Vec<Layer>,
    pub(crate) axis_sources: Vec<AxisSource>,
    pub(crate) file_rules: Vec<FileRule>,
    pub(crate) allows: Allows,
    pub(crate) warnings: Diagnostics,
}

/// A tag, and the condition under which a cell has it.
#[derive(Debug, Clone)]
pub(crate) struct TagRule {
    pub(crate) tag: Template,
    pub(crate) when: Option<Condition>,
}

impl Matrix {
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

    /// The sources of axes whose values are not in the file.
    pub fn axis_sources(&self) -> &[AxisSource] {
        &self.axis_sources
    }

    /// Files that are rendered with the values of one cell and committed.
    pub fn file_rules(&self) -> &[FileRule] {
        &self.file_rules
    }

    /// Warnings about the file.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// Adds a finding about the matrix.
    pub(crate) fn warn(&mut self, finding: Diagnostic) {
        self.warnings.push(finding);
    }

    /// The acknowledgements in its files.
    pub fn allows(&self) -> &Allows {
        &self.allows
    }

    /// Every name that its files declare for builds.
    pub fn declared(&self) -> impl Iterator<Item = &Declared> {
        self.all_settings().flat_map(|settings| &settings.declared)
    }

    /// The names of the vars, which flags may override.
    pub fn vars(&self) -> impl Iterator<Item = &str> {
        self.all_vars().map(|var| &*var.name)
    }

    /// The vars of `vars`, then those that entries of `include` add, without duplicates.
    pub(crate) fn all_vars(&self) -> impl Iterator<Item = &Var> {
        let own = &self.settings.vars;
        let more: Vec<&Var> = self.include.iter().flat_map(|layer| &layer.settings.vars).collect();
        let is_new = |index: &usize| {
            let name = &more[*index].name;
            own.iter().chain(more[..*index].iter().copied()).all(|var| var.name != *name)
        };
        let new: Vec<&Var> = (0..more.len()).filter(is_new).map(|index| more[index]).collect();
        own.iter().chain(new)
    }

    /// Whether a template can use `name` in at least one cell.
    pub(crate) fn defines(&self, name: &str) -> bool {
        CELL_NAMES.contains(&name)
            || self.axis(name).is_some()
            || self.vars().any(|var| var == name)
    }

    /// The place of a label that requires [`Facts`](crate::matrix::Facts) from Git and the environment,
    /// if there is one.
    pub fn wants_facts(&self) -> Option<&Span> {
        let layers = self.include.iter().chain(&self.overrides).map(|layer| &layer.settings);
        let all = std::iter::once(&self.settings).chain(layers);
        let asked = all.flat_map(|settings| [&settings.auto_labels, &settings.auto_annotations]);
        asked.flatten().find(|given| given.value.git).map(|given| &given.span)
    }

    /// The settings at the top, and those of rules.
    pub(crate) fn all_settings(&self) -> impl Iterator<Item = &Settings> {
        let layers = self.include.iter().chain(&self.overrides);
        std::iter::once(&self.settings).chain(layers.map(|layer| &layer.settings))
    }

    /// A warning for each var that neither the matrix nor a template uses; `used` are the names in
    /// all templates.
    pub fn unused_vars(&self, used: &[NameUse]) -> Diagnostics {
        let own = self.names();
        let is_used = |name: &str| used.iter().chain(&own).any(|used| *used.name == *name);
        let mut warnings = Diagnostics::default();
        for var in self.all_vars().filter(|var| !is_used(&var.name)) {
            warnings.push(
                Diagnostic::warning(format!("the var `{}` is not used", var.name))
                    .at(&var.span, "")
                    .help(format!("use it as `<%{}%>`, or remove it", var.name)),
            );
        }
        warnings
    }

    /// Every use of a name in the matrix itself.
    pub(crate) fn names(&self) -> Vec<NameUse> {
        let settings = || self.all_settings();
        let vars = settings().flat_map(|settings| &settings.vars).flat_map(|var| var.value.names());
        let texts = settings().flat_map(Settings::templates);
        let tags = self.tags.iter().map(|rule| &rule.tag).chain(&self.images);
        let when = self.tags.iter().filter_map(|rule| rule.when.as_ref());
        let when = when.flat_map(|when| when.names());
        let when = when.chain(self.file_rules.iter().flat_map(FileRule::names));
        vars.chain(texts.chain(tags).flat_map(Template::names)).chain(when).collect()
    }
}
