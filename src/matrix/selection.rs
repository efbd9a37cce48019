//! The selected cells, and the flags that override the file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::model::{
    Axis, AxisValue, Lookup, Matrix, Pattern, Rule, always_true, known_axes, unknown_order,
};
use crate::error::{
    COMMAND_LINE, Diagnostic, Diagnostics, SourceFile, control_character, listed, nearest,
};
use crate::image::{Platform, Repository};
use crate::input::{Caches, Inputs};

/// Facts about the sources of the images, from the Git repository and the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The commit.
    pub revision: Option<String>,
    /// Whether files differ from that commit.
    pub is_dirty: bool,
    /// The commit's time, in seconds since 1970.
    pub committed: Option<i64>,
    /// The URL of Git's remote.
    pub remote: Option<String>,
}

/// The cells that a command line selects; by default all cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// `--only` and the flags of axes. Several for one axis add up.
    pub only: Vec<Pick>,
    /// Cells that match any of these are excluded.
    pub skip: Vec<Pick>,
    /// Values that the file does not list, for this run only.
    pub add: Vec<Pick>,
    pub unnamed: Unnamed,
    /// Names of cells. Without any, all cells that the other fields select.
    pub cells: Vec<String>,
}

/// An axis, and values of it: each a value, a glob, or comparisons of versions that must all be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub axis: String,
    pub values: Vec<String>,
}

/// The values of an axis that no flag selects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unnamed {
    /// All its values: `onebuild matrix`.
    #[default]
    Everything,
    /// Its `defaults`, or all its values if it has none: `onebuild build`.
    Defaults,
}

/// The build argument that is the time of an image, and the variable that sets it for all images.
///
/// Source: <https://reproducible-builds.org/specs/source-date-epoch/>
pub(crate) const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The variable with the platforms of a matrix without `platforms`, as for `docker build`.
pub(crate) const DEFAULT_PLATFORM: &str = "DOCKER_DEFAULT_PLATFORM";

/// Overrides from flags and the environment. Placeholders in their values are not expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Replace `image`, unless empty.
    pub images: Vec<Repository>,
    /// Prefix of every tag.
    pub tag_prefix: String,
    /// Replace `platforms`, unless empty.
    pub platforms: Vec<Platform>,
    /// The value of the variable [`DEFAULT_PLATFORM`], for a matrix without `platforms`.
    pub default_platforms: Vec<Platform>,
    /// Replace vars of the file.
    pub vars: IndexMap<String, String>,
    /// Merged with the file's inputs by [`Inputs::overlaid`]. Paths are relative to the directory of
    /// matrix.yaml.
    pub inputs: Inputs,
    /// Added to the caches of the file.
    pub caches: Caches,
    /// The value of the variable [`EPOCH`]: the argument of that name, unless it is set otherwise.
    pub epoch: Option<u64>,
    /// The environment variables that set one of these because no flag did, such as `ONEBUILD_IMAGE`.
    pub environment: Vec<String>,
}

/// A selection that fits its matrix.
#[derive(Debug, Clone)]
pub struct Selected<'m> {
    pub(crate) matrix: &'m Matrix,
    /// The axes of the file, followed by the values added for this run.
    pub(crate) axes: Vec<Axis>,
    /// For each axis, the indices of the selected values, ascending; never empty.
    pub(crate) chosen: Vec<Vec<usize>>,
    pub(crate) skip: Vec<Rule>,
    /// The named cells, by the indices of their values; `None` without names.
    pub(crate) cells: Option<HashSet<Vec<usize>>>,
    /// As the command line has it.
    pub(crate) picks: Selection,
    pub(crate) overrides: &'m Overrides,
    pub(crate) facts: Facts,
    /// Warnings about the selection.
    pub(crate) warnings: Diagnostics,
}

impl Selected<'_> {
    /// Sets the facts about the sources, for labels.
    #[must_use]
    pub fn with_facts(self, facts: Facts) -> Self {
        Self { facts, ..self }
    }

    /// Whether all cells of the file are selected.
    pub fn is_everything(&self) -> bool {
        let all = self.chosen.iter().zip(&self.axes);
        self.skip.is_empty()
            && self.cells.is_none()
            && all.into_iter().all(|(c, axis)| c.len() == axis.values.len())
    }
}

impl Overrides {
    /// The same, with every local path mapped by `path`.
    #[must_use]
    pub fn with_paths(&self, path: impl Fn(&Path) -> PathBuf) -> Self {
        Self {
            inputs: self.inputs.clone().with_paths(&path),
            caches: self.caches.map(|cache| cache.with_folder(&path)),
            ..self.clone()
        }
    }
}

impl Pick {
    /// Parses `axis=value` or `axis=value,value`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (axis, values) = text
            .split_once('=')
            .filter(|(axis, _)| !axis.is_empty() && !axis.ends_with(['<', '>', '!']))
            .ok_or_else(|| {
                format!("`{text}` is not axis=value, such as os=ubuntu or version=>=2.0")
            })?;
        Self::of(axis, values)
    }

    /// The values of an axis flag: `--os ubuntu,alpine`. Comparisons in one list are one value, since all
    /// must be true: `--version '>=1.9,<2'`.
    pub fn of(axis: &str, values: &str) -> Result<Self, String> {
        let listed: Vec<&str> = values.split(',').map(str::trim).collect();
        let compared = listed.iter().find(|value| Pattern::is_comparison(value));
        let other = listed.iter().find(|value| !value.is_empty() && !Pattern::is_comparison(value));
        let values = match (compared, other) {
            (Some(compared), Some(other)) => {
                return Err(format!(
                    "`{values}` has a comparison and another value: repeat the flag, once with \
                     `{compared}` and once with `{other}`"
                ));
            }
            (Some(_), None) if !listed.contains(&"") => vec![listed.join(", ")],
            _ => listed.into_iter().map(str::to_owned).collect(),
        };
        Ok(Self { axis: axis.trim().to_owned(), values })
    }
}

impl Matrix {
    /// Checks a selection against the matrix, except for the names of cells: see [`Selected::named`]. Errors
    /// are mistakes in the command line.
    pub fn select<'m>(
        &'m self,
        selection: &Selection,
        overrides: &'m Overrides,
    ) -> Result<Selected<'m>, Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut warnings = Diagnostics::default();
        let mut axes = self.axes.clone();
        let mut named: Vec<Option<Vec<usize>>> = vec![None; axes.len()];
        for pick in &selection.add {
            if let Some(index) = self.find_axis(pick, &mut errors) {
                add(pick, &mut axes[index], named[index].get_or_insert_default(), &mut errors);
            }
        }
        let mut compared: Vec<Vec<Pattern>> = vec![Vec::new(); axes.len()];
        for pick in &selection.only {
            if let Some(index) = self.find_axis(pick, &mut errors) {
                let (found, patterns) = matching(pick, &axes[index], true, &mut errors);
                undecided(&patterns, &axes[index], &mut warnings);
                named[index].get_or_insert_default().extend(found);
                compared[index].extend(patterns);
            }
        }
        for (patterns, axis) in compared.iter().zip(&axes) {
            let found = always_true(patterns, &axis.span);
            found.into_iter().for_each(|finding| warnings.push(finding));
        }
        let mut skip = Vec::new();
        for pick in &selection.skip {
            if let Some(index) = self.find_axis(pick, &mut errors) {
                let mut rule = Rule::new(axes.len());
                let patterns = matching(pick, &axes[index], false, &mut errors).1;
                undecided(&patterns, &axes[index], &mut warnings);
                rule.restrict(index, &Lookup::new(&axes[index]), patterns);
                skip.push(rule);
            }
        }
        for name in overrides.vars.keys().filter(|name| self.vars().all(|var| var != **name)) {
            errors.push(
                Diagnostic::error(format!("there is no var `{name}` to override"))
                    .help(format!("vars of {}: {}", self.file.name(), listed(self.vars())))
                    .help_nearest(name, self.vars()),
            );
        }
        errors.check(())?;
        let choose = |(index, named): (usize, Option<Vec<usize>>)| {
            let mut chosen = match (named, selection.unnamed) {
                (Some(named), _) => named,
                // A named cell is built whatever its values are.
                (None, Unnamed::Defaults) if selection.cells.is_empty() => {
                    self.defaults[index].clone()
                }
                (None, _) => Vec::new(),
            };
            if chosen.is_empty() {
                chosen = (0..axes[index].values.len()).collect();
            }
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        };
        let chosen = named.into_iter().enumerate().map(choose).collect();
        let facts = Facts::default();
        let picks = selection.clone();
        Ok(Selected {
            matrix: self,
            axes,
            chosen,
            skip,
            cells: None,
            picks,
            overrides,
            facts,
            warnings,
        })
    }

    fn find_axis(&self, pick: &Pick, errors: &mut Diagnostics) -> Option<usize> {
        let index = self.axes.iter().position(|axis| *axis.name == *pick.axis);
        if index.is_none() {
            let names = || self.axes.iter().map(|axis| &*axis.name);
            errors.push(
                Diagnostic::error(format!("there is no axis `{}`", pick.axis))
                    .at(&self.axes_span, "")
                    .help(known_axes(names()))
                    .help_nearest(&pick.axis, names()),
            );
        }
        index
    }
}

/// Adds values for one run, and selects them.
fn add(pick: &Pick, axis: &mut Axis, named: &mut Vec<usize>, errors: &mut Diagnostics) {
    if axis.has_properties() {
        errors.push(
            Diagnostic::error(format!("a value of `{}` cannot be added by flag", axis.name))
                .at(&axis.span, "its values have properties")
                .help(format!("add it under `axes.{}`", axis.name)),
        );
        return;
    }
    for text in &pick.values {
        if text.is_empty() || text.chars().any(char::is_control) {
            let message = format!("`--add {}={text}` adds no value", axis.name);
            errors.push(Diagnostic::error(message).help("write a value after the `=`"));
            continue;
        }
        if let Some(known) = axis.values.iter().position(|value| *value.text == **text) {
            named.push(known);
            continue;
        }
        named.push(axis.values.len());
        let text: Arc<str> = text.as_str().into();
        let file = SourceFile::new(COMMAND_LINE, format!("--add {}={text}", axis.name));
        let span = file.span(0..file.text().len());
        axis.values.push(AxisValue {
            value: text.clone().into(),
            text,
            span,
            included: false,
            is_marked: false,
        });
    }
}

/// Warns if a value cannot be compared with the version in a flag.
fn undecided(patterns: &[Pattern], axis: &Axis, warnings: &mut Diagnostics) {
    let texts = || axis.values.iter().map(|value| &*value.text);
    for pattern in patterns {
        let unknown = texts().filter_map(|text| Some((text, pattern.undecided(text)?))).next();
        if let Some((value, bound)) = unknown {
            warnings.push(unknown_order(&axis.span, value, bound));
        }
    }
}

/// The help for a pattern of a flag that matches no value: only what can be a value can be added.
fn unmatched(text: &str, pattern: &Pattern, axis: &Axis, addable: bool) -> String {
    let name = &axis.name;
    if text.is_empty() {
        return format!("name a value, such as `--only {name}=VALUE`");
    }
    if text.contains(',') && Pattern::is_comparison(text) {
        return format!(
            "all comparisons in a list must be true: for alternatives, repeat the flag, such as \
             `--only '{name}=<1' --only '{name}=>=2'`"
        );
    }
    if !pattern.is_plain() || control_character(text).is_some() {
        return "write a value, a glob, a range or a comparison that matches a known value"
            .to_owned();
    }
    let once = match addable && !axis.has_properties() {
        true => format!(", or build it once with `--add {name}={text}`"),
        false => String::new(),
    };
    let add = format!("add it under `axes.{name}`{once}");
    match nearest(text, axis.values.iter().map(|value| &*value.text)) {
        Some(meant) => format!("did you mean `{meant}`? For a new value, {add}"),
        None => add,
    }
}

/// The indices of the matching values. Each pattern must match at least one value.
fn matching(
    pick: &Pick,
    axis: &Axis,
    addable: bool,
    errors: &mut Diagnostics,
) -> (Vec<usize>, Vec<Pattern>) {
    let (mut found, mut patterns) = (Vec::new(), Vec::new());
    let lookup = Lookup::new(axis);
    for text in &pick.values {
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err(mut wrong) => {
                wrong.message = format!("`{}={text}`: {}", axis.name, wrong.message);
                errors.push(*wrong);
                continue;
            }
        };
        let values = lookup.matching(&pattern);
        if values.is_empty() {
            errors.push(
                Diagnostic::error(format!("axis `{}` has no value matching `{text}`", axis.name))
                    .at(&axis.span, format!("known: {}", axis.known()))
                    .help(unmatched(text, &pattern, axis, addable)),
            );
        }
        found.extend(values);
        patterns.push(pattern);
    }
    (found, patterns)
}
