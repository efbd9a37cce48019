//! From a selection to its cells.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::selection::Selected;
use super::{Axis, Cell, TagRule, Var, VarValue};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::{Reference, Repository, Tag};
use crate::template::{Scope, Template, Value};

/// More cells than this were asked for by mistake.
const MOST_CELLS: u128 = 100_000;

/// Every cell makes its own errors; beyond this they say nothing new.
const ENOUGH_ERRORS: usize = 50;

/// The cells of a selection; at least one.
#[derive(Debug, Clone)]
pub struct Expansion {
    pub cells: Vec<Cell>,
    /// What is odd but stops nothing.
    pub warnings: Diagnostics,
}

impl Selected<'_> {
    /// How many cells the selection has before `exclude` and `--skip`.
    pub fn product(&self) -> u128 {
        self.chosen.iter().fold(1, |count, values| count.saturating_mul(values.len() as u128))
    }

    /// Makes the cells, in the order of the file with the first axis slowest.
    pub fn expand(&self) -> Result<Expansion, Diagnostics> {
        let matrix = self.matrix;
        if self.product() > MOST_CELLS {
            let sizes: Vec<String> = self.chosen.iter().map(|c| c.len().to_string()).collect();
            let message =
                format!("the matrix has {} cells, and the most is {MOST_CELLS}", self.product());
            return Err(Diagnostic::error(message)
                .at(&matrix.axes_span, sizes.join(" × "))
                .help("select fewer, with `--only axis=value`")
                .into());
        }
        let newest: Vec<Option<&str>> =
            matrix.axes.iter().map(|axis| axis.newest().map(|value| &*value.text)).collect();
        let mut errors = Diagnostics::default();
        let mut cells = Vec::with_capacity(usize::try_from(self.product()).unwrap_or(0));
        let mut at = vec![0; self.chosen.len()];
        loop {
            let values: Vec<usize> =
                at.iter().zip(&self.chosen).map(|(at, chosen)| chosen[*at]).collect();
            let left_out =
                matrix.exclude.iter().chain(&self.skip).any(|rule| rule.matches(&values));
            if !left_out {
                match self.cell(&values, &newest) {
                    Ok(cell) => cells.push(cell),
                    Err(found) => errors.extend(found),
                }
            }
            if errors.len() >= ENOUGH_ERRORS || !advance(&mut at, &self.chosen) {
                break;
            }
        }
        errors.check(())?;
        if cells.is_empty() {
            return Err(Diagnostic::error("no cell is left: `exclude` and `--skip` leave out all")
                .at(&matrix.axes_span, "")
                .into());
        }
        self.name(&mut cells)?;
        Ok(Expansion { cells, warnings: matrix.warnings.clone() })
    }

    fn cell(&self, values: &[usize], newest: &[Option<&str>]) -> Result<Cell, Diagnostics> {
        let matrix = self.matrix;
        let mut scope = Scope::default();
        let mut axes = Vec::with_capacity(values.len());
        let mut latest = newest.iter().any(Option::is_some);
        for ((axis, value), newest) in self.axes.iter().zip(values).zip(newest) {
            let Axis { name, values, .. } = axis;
            let value = &values[*value];
            latest &= newest.is_none_or(|newest| newest == &*value.text);
            scope.set(name.clone(), value.value.clone());
            axes.push((name.clone(), value.text.clone()));
        }
        for var in &matrix.vars {
            let value = match self.overrides.vars.get(&*var.name) {
                Some(text) => text.as_str().into(),
                None => var.value(&scope)?,
            };
            scope.set(var.name.clone(), value);
        }
        scope.set("latest", Value::Truth(latest));

        let mut errors = Diagnostics::default();
        let mut keep = |found: Diagnostics| errors.extend(found);
        let describe =
            || axes.iter().map(|(a, v)| format!("{a}={v}")).collect::<Vec<_>>().join(" ");
        let repositories = self.repositories(&scope).map_err(&mut keep).unwrap_or_default();
        let mut tags = Vec::new();
        for rule in &matrix.tags {
            match self.tag(rule, &scope) {
                Ok(Some(tag)) if !tags.contains(&tag) => tags.push(tag),
                Ok(_) => {}
                Err(found) => keep(found),
            }
        }
        let (Some(repository), Some(tag)) = (repositories.first(), tags.first()) else {
            if !errors.has_errors() {
                let span = matrix.tags.first().map(|rule| rule.tag.span());
                let message = format!("the cell {} has no tag", describe());
                errors.push(
                    Diagnostic::error(message)
                        .at(span.as_ref().unwrap_or(&matrix.axes_span), "")
                        .help("give `tags` an entry without `when`"),
                );
            }
            return Err(errors);
        };
        scope.set("image", repository.familiar());
        scope.set("tag", tag.as_str());

        let mut text = |template: &Option<Template>, otherwise: &str| match template {
            Some(template) => template.render_inline(&scope).map_err(&mut keep).unwrap_or_default(),
            None => otherwise.to_owned(),
        };
        let context = text(&matrix.context, ".");
        let dockerfile = text(&matrix.dockerfile, "Dockerfile");
        let target = matrix.target.as_ref().map(|_| text(&matrix.target, ""));
        let mut map = |templates: &[(String, Template)], overrides: &IndexMap<String, String>| {
            let mut found = IndexMap::with_capacity(templates.len());
            for (key, template) in templates {
                let text = template.render_inline(&scope).map_err(&mut keep).unwrap_or_default();
                found.insert(key.clone(), text);
            }
            found.extend(overrides.iter().map(|(key, value)| (key.clone(), value.clone())));
            found
        };
        let args = map(&matrix.args, &self.overrides.args);
        let labels = map(&matrix.labels, &self.overrides.labels);
        let mut bases = IndexMap::with_capacity(matrix.bases.len());
        for (key, template) in &matrix.bases {
            match parsed(template, &scope, "") {
                Ok(reference) => drop(bases.insert(key.clone(), reference)),
                Err(found) => keep(found),
            }
        }
        bases.extend(self.overrides.bases.iter().map(|(key, to)| (key.clone(), to.clone())));
        let nowhere = matrix.file.span(0..0);
        let span_of = |template: &Option<Template>| {
            template.as_ref().map_or_else(|| nowhere.clone(), Template::span)
        };
        let dockerfile_span = span_of(&matrix.dockerfile);
        let context = path(&context, true, &span_of(&matrix.context)).map_err(&mut keep);
        let dockerfile = path(&dockerfile, false, &dockerfile_span).map_err(&mut keep);

        let tagged = |repository: &Repository| {
            tags.iter().map(|tag| repository.tagged(tag.clone())).collect::<Vec<_>>()
        };
        let references: Vec<Reference> = repositories.iter().flat_map(tagged).collect();
        let platforms = match self.overrides.platforms.as_slice() {
            [] => matrix.platforms.clone(),
            platforms => platforms.into(),
        };
        errors.check(Cell {
            name: tag.as_str().into(),
            axes,
            scope: scope.clone(),
            references,
            platforms,
            context: context.unwrap_or_default().into(),
            dockerfile: dockerfile.unwrap_or_default().into(),
            dockerfile_span,
            args,
            labels,
            target,
            bases,
        })
    }

    fn repositories(&self, scope: &Scope) -> Result<Vec<Repository>, Diagnostics> {
        if !self.overrides.images.is_empty() {
            return Ok(self.overrides.images.clone());
        }
        let mut found: Vec<Repository> = Vec::new();
        for image in &self.matrix.images {
            let repository = parsed(image, scope, "")?;
            if !found.contains(&repository) {
                found.push(repository);
            }
        }
        Ok(found)
    }

    fn tag(&self, rule: &TagRule, scope: &Scope) -> Result<Option<Tag>, Diagnostics> {
        match &rule.when {
            Some(when) if !when.holds(scope)? => Ok(None),
            _ => parsed(&rule.tag, scope, &self.overrides.tag_prefix).map(Some),
        }
    }

    /// Refuses cells that would overwrite each other, and gives every cell a name of its own.
    fn name(&self, cells: &mut [Cell]) -> Result<(), Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut owners: HashMap<&Reference, &Cell> = HashMap::new();
        let mut names: HashMap<&str, usize> = HashMap::new();
        for cell in &*cells {
            *names.entry(&cell.name).or_default() += 1;
            for reference in &cell.references {
                let Some(first) = owners.insert(reference, cell) else { continue };
                let span = self.matrix.tags.first().map(|rule| rule.tag.span());
                let tag = reference.tag.as_ref().map(Tag::as_str).unwrap_or_default();
                errors.push(
                    Diagnostic::error(format!("two cells have the tag `{tag}`"))
                        .at(span.as_ref().unwrap_or(&self.matrix.axes_span), "")
                        .note(format!("one is {}", first.describe()))
                        .note(format!("the other is {}", cell.describe()))
                        .help(self.distinguish(first, cell)),
                );
                if errors.len() >= ENOUGH_ERRORS {
                    return Err(errors);
                }
            }
        }
        errors.check(())?;
        if names.values().any(|count| *count > 1) {
            cells.iter_mut().for_each(|cell| cell.name = cell.references[0].familiar().into());
        }
        Ok(())
    }

    /// Says which axis the tag leaves out.
    fn distinguish(&self, one: &Cell, other: &Cell) -> String {
        let differing = one.axes.iter().zip(&other.axes).find(|(one, other)| one.1 != other.1);
        let axis = differing.map_or("os", |((axis, _), _)| axis);
        format!("tell them apart in `tag`, with `<%{axis}%>` for one")
    }
}

impl Var {
    fn value(&self, scope: &Scope) -> Result<Value, Diagnostics> {
        match &self.value {
            VarValue::Text(template) => template.value(scope),
            VarValue::List(items) => {
                let items: Result<Vec<Value>, _> =
                    items.iter().map(|item| item.value(scope)).collect();
                Ok(Value::List(items?.into()))
            }
        }
    }
}

/// Renders a template and parses what comes out; the error points at the template.
fn parsed<T>(template: &Template, scope: &Scope, prefix: &str) -> Result<T, Diagnostics>
where
    T: std::str::FromStr<Err = crate::image::InvalidReference>,
{
    let text = prefix.to_owned() + &template.render_inline(scope)?;
    text.parse().map_err(|error: T::Err| {
        let rendered = text != template.text();
        let word = if rendered { format!("here it is `{text}`") } else { String::new() };
        Diagnostic::error(error.to_string()).at(&template.span(), word).into()
    })
}

/// A relative path without detours. A context may lie anywhere; a template lies inside its context.
fn path(text: &str, anywhere: bool, span: &Span) -> Result<String, Diagnostics> {
    let wrong = |message: String| {
        let help = "the Dockerfile's path is counted from the context folder and stays inside it";
        let finding = Diagnostic::error(message).at(span, format!("here it is `{text}`"));
        Err(if anywhere { finding } else { finding.help(help) }.into())
    };
    if text.is_empty() || text.chars().any(char::is_control) {
        return wrong("this is not a path".to_owned());
    }
    if anywhere {
        return Ok(text.to_owned());
    }
    if text.starts_with('/') {
        return wrong("the Dockerfile's path has to be relative".to_owned());
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") || text.ends_with('/') {
        return wrong("this path does not name a file inside the context".to_owned());
    }
    Ok(parts.join("/"))
}

/// Steps to the next combination, the last axis fastest; false after the last one.
fn advance(at: &mut [usize], chosen: &[Vec<usize>]) -> bool {
    for (digit, values) in at.iter_mut().zip(chosen).rev() {
        *digit += 1;
        if *digit < values.len() {
            return true;
        }
        *digit = 0;
    }
    false
}
