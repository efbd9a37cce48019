//! From a combination of axis values to its cell.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::cell::{Cell, Shared};
use super::labels::LabelValues;
use super::made::{Made, parsed};
use super::name::NameParts;
use super::pool::{Pool, Recent};
use crate::cell_name::CellName;
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::{Platform, Reference, Repository, Tag};
use crate::input::SmokeTest;
use crate::matrix::model::{
    AutoLabels, Axis, AxisValue, BaseWanted, Given, Settings, TagRule, Var, VarValue, no_directory,
    no_path, template_path, unusable_value,
};
use crate::matrix::selection::{Overrides, Selected};
use crate::template::{Scope, Template, Value};

/// The data for creating the cells of a selection.
pub(crate) struct Maker<'a> {
    selected: &'a Selected<'a>,
    /// For each axis, its newest version if it has versions.
    newest: Vec<Option<&'a str>>,
    /// For each axis, which of its values are pre-releases.
    prereleases: Vec<Vec<bool>>,
    /// The name `prerelease`, shared by all cells.
    prerelease: Arc<str>,
    axes: Arc<Vec<Axis>>,
    overrides: Arc<Overrides>,
    tag_spans: Arc<[Span]>,
    names: NameParts<'a>,
    nowhere: Span,
    /// The values of the cells created so far.
    pub(crate) pool: Pool,
    smoke_tests: Recent<Arc<SmokeTest>>,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(selected: &'a Selected<'a>) -> Self {
        let matrix = selected.matrix;
        let newest = matrix.axes.iter().map(|axis| axis.newest().map(|newest| &*newest.value.text));
        let prereleases = selected
            .axes
            .iter()
            .map(|axis| axis.values.iter().map(AxisValue::is_prerelease).collect());
        Self {
            selected,
            prereleases: prereleases.collect(),
            prerelease: "prerelease".into(),
            newest: newest.collect(),
            axes: Arc::new(selected.axes.clone()),
            overrides: Arc::new(selected.overrides.clone()),
            tag_spans: matrix.tags.iter().map(|rule| rule.tag.span()).collect(),
            names: NameParts::of(matrix),
            nowhere: matrix.file.span(0..0),
            pool: Pool::default(),
            smoke_tests: Recent::default(),
        }
    }

    /// The data that cells with these settings share.
    pub(crate) fn shared(&self, settings: Settings) -> Arc<Shared> {
        let image = self.selected.matrix.images.first();
        Arc::new(Shared {
            settings,
            axes: self.axes.clone(),
            image_span: image.map_or_else(|| self.nowhere.clone(), Template::span),
            tag_spans: self.tag_spans.clone(),
            overrides: self.overrides.clone(),
        })
    }

    pub(crate) fn cell(&self, values: &[usize], shared: Arc<Shared>) -> Result<Cell, Diagnostics> {
        let settings = &shared.settings;
        let overrides = &*self.overrides;
        let (axes, mut scope) = self.scope(values, settings)?;
        let mut errors = Diagnostics::default();
        let mut keep = |found: Diagnostics| errors.extend(found);
        let repositories = self.repositories(&scope).map_err(&mut keep).unwrap_or_default();
        let (mut tags, mut tag_rules) = (IndexSet::new(), Vec::new());
        for (number, rule) in self.selected.matrix.tags.iter().enumerate() {
            match self.tag(rule, &scope) {
                Ok(Some(tag)) => {
                    if tags.insert(tag) {
                        tag_rules.push(u16::try_from(number).unwrap_or(u16::MAX));
                    }
                }
                Ok(None) => {}
                Err(found) => keep(found),
            }
        }
        let (Some(repository), Some(tag)) = (repositories.first(), tags.first()) else {
            if !errors.has_errors() {
                errors.push(self.no_tag(&axes));
            }
            return Err(errors);
        };
        // An error of a tag has been reported above.
        let name = self.names.name(&scope).unwrap_or_else(|_| tag.as_str().into());
        scope.set("image", repository.familiar());
        scope.set("tag", tag.as_str());

        let mut made = Made { scope: &scope, errors, pool: &self.pool };
        let context = made.path(&settings.context, ".", context);
        let dockerfile = made.path(&settings.dockerfile, "Dockerfile", dockerfile);
        let given = settings.dockerignore.is_some();
        let dockerignore = made.path(&settings.dockerignore, "", dockerignore);
        let facts = &self.selected.facts;
        let auto = LabelValues { facts, repository, tag, axes: &axes, overrides };
        let inputs = made.inputs(settings, &auto).overlaid(&overrides.inputs);
        let caches = made.caches(settings).followed_by(&overrides.caches);
        let base = |given: &Option<Given<AutoLabels>>| given.as_ref().map(|given| given.value.base);
        let cell = Cell {
            name,
            references: tagged(&repositories, &tags),
            platforms: match (overrides.platforms.as_slice(), &settings.platforms) {
                ([], Some(given)) => given.value.clone(),
                // As for `docker build`.
                ([], None) if overrides.default_platforms.is_empty() => {
                    Arc::new([Platform::native()])
                }
                ([], None) => overrides.default_platforms.as_slice().into(),
                (platforms, _) => platforms.into(),
            },
            context: context.into(),
            dockerfile: dockerfile.into(),
            is_template: settings.template.as_ref().is_none_or(|given| given.value),
            dockerignore: given.then(|| dockerignore.into()),
            inputs,
            caches,
            base: BaseWanted {
                labels: base(&settings.auto_labels).unwrap_or_default(),
                annotations: base(&settings.auto_annotations).unwrap_or_default(),
            },
            media_types: settings.media_types.as_ref().map(|given| given.value).unwrap_or_default(),
            smoke: made.smoke(&settings.smoke).map(|test| self.smoke(test)),
            retry: settings.retry.as_ref().map(|given| given.value.clone()).unwrap_or_default(),
            values: values.iter().map(|value| *value as u32).collect(),
            tag_rules: tag_rules.into(),
            axes,
            scope: scope.clone(),
            shared: shared.clone(),
        };
        let ignore = cell.dockerignore.as_ref().map_or(0, |path| path.len());
        let paths = cell.context.len() + cell.dockerfile.len() + ignore;
        self.pool.count(paths + cell.inputs.own_size() + cell.caches.own_size());
        made.errors.check(cell)
    }

    fn smoke(&self, test: SmokeTest) -> Arc<SmokeTest> {
        self.smoke_tests.shared(Arc::new(test), |test| self.pool.count(test.size()))
    }

    /// The values of the axes, and a scope with the names that conditions of tags can use.
    #[expect(clippy::type_complexity, reason = "a cell has these two fields")]
    pub(crate) fn scope(
        &self,
        values: &[usize],
        settings: &Settings,
    ) -> Result<(Vec<(Arc<str>, Arc<str>)>, Scope), Diagnostics> {
        let (axes, mut scope) = self.axes(values, settings);
        for var in &settings.vars {
            let value = match self.overrides.vars.get(&*var.name) {
                Some(text) => text.as_str().into(),
                None => self.pool.value(var.value(&scope)?),
            };
            scope.set(var.name.clone(), value);
        }
        scope.set("latest", Value::Truth(self.is_latest(&axes)));
        let is_prerelease = values.iter().zip(&self.prereleases).any(|(value, of)| of[*value]);
        scope.set(self.prerelease.clone(), Value::Truth(is_prerelease));
        Ok((axes, scope))
    }

    /// The references that `rule` gives the cell with this scope; none if its condition does not hold.
    pub(crate) fn references(
        &self,
        rule: &TagRule,
        scope: &Scope,
    ) -> Result<Vec<Reference>, Diagnostics> {
        let Some(tag) = self.tag(rule, scope)? else { return Ok(Vec::new()) };
        Ok(self
            .repositories(scope)?
            .iter()
            .map(|repository| repository.tagged(tag.clone()))
            .collect())
    }

    /// The name and the references of the cell with these values.
    pub(crate) fn name(
        &self,
        values: &[usize],
        shared: &Shared,
    ) -> Result<(CellName, Vec<Reference>), Diagnostics> {
        let (_, scope) = self.scope(values, &shared.settings)?;
        let mut references = Vec::new();
        for rule in &self.selected.matrix.tags {
            references.extend(self.references(rule, &scope)?);
        }
        Ok((self.names.name(&scope)?, references))
    }

    /// The values of the axes, and a scope that contains them.
    #[expect(clippy::type_complexity, reason = "a cell has these two fields")]
    fn axes(&self, values: &[usize], settings: &Settings) -> (Vec<(Arc<str>, Arc<str>)>, Scope) {
        let mut scope = Scope::default();
        let mut axes = Vec::with_capacity(values.len());
        for (number, (axis, index)) in self.axes.iter().zip(values).enumerate() {
            let value = &axis.values[*index];
            let more = settings.properties.iter();
            let more = more.filter(|(at, of, _)| (*at, *of) == (number, *index));
            let mut properties: Vec<(Arc<str>, Value)> = Vec::new();
            more.for_each(|(_, _, more)| properties.extend(more.iter().cloned()));
            if properties.is_empty() {
                scope.set(axis.name.clone(), value.value.clone());
            } else {
                let mut all: IndexMap<Arc<str>, Value> =
                    value.value.properties().iter().cloned().collect();
                all.extend(properties);
                let properties = all.into_iter().collect();
                scope
                    .set(axis.name.clone(), Value::Record { text: value.text.clone(), properties });
            }
            axes.push((axis.name.clone(), value.text.clone()));
        }
        (axes, scope)
    }

    /// Whether every axis of versions has its newest value here, and there is at least one such axis.
    fn is_latest(&self, axes: &[(Arc<str>, Arc<str>)]) -> bool {
        let is_newest = |((_, value), newest): (&(_, Arc<str>), &Option<&str>)| {
            newest.is_none_or(|newest| newest == &**value)
        };
        self.newest.iter().any(Option::is_some) && axes.iter().zip(&self.newest).all(is_newest)
    }

    fn no_tag(&self, axes: &[(Arc<str>, Arc<str>)]) -> Diagnostic {
        let matrix = self.selected.matrix;
        let described: Vec<String> = axes.iter().map(|(a, v)| format!("{a}={v}")).collect();
        let span = self.tag_spans.first().unwrap_or(&matrix.axes_span);
        Diagnostic::error(format!("the cell {} has no tag", described.join(" ")))
            .at(span, "")
            .help("add an entry without `when` to `tags`")
    }

    fn repositories(&self, scope: &Scope) -> Result<Vec<Repository>, Diagnostics> {
        if !self.overrides.images.is_empty() {
            return Ok(self.overrides.images.clone());
        }
        let mut found: Vec<Repository> = Vec::new();
        for image in &self.selected.matrix.images {
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
}

fn tagged(repositories: &[Repository], tags: &IndexSet<Tag>) -> Vec<Reference> {
    let tagged = |repository: &Repository| {
        tags.iter().map(|tag| repository.tagged(tag.clone())).collect::<Vec<_>>()
    };
    repositories.iter().flat_map(tagged).collect()
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

impl Made<'_> {
    /// A path of the file, read by `read`; `default` if the file has none.
    fn path(
        &mut self,
        template: &Option<Template>,
        default: &str,
        read: fn(&Template, &str) -> Result<String, Diagnostics>,
    ) -> String {
        let Some(template) = template else { return default.to_owned() };
        let text = self.text(template);
        // An empty string is an error that has been reported.
        if self.errors.has_errors() && text.is_empty() {
            return text;
        }
        self.keep(read(template, &text)).unwrap_or_default()
    }
}

/// The directory of a context.
fn context(template: &Template, text: &str) -> Result<String, Diagnostics> {
    if let Some(why) = no_path(text) {
        let help = "write a directory; `.` is the directory of matrix.yaml";
        return Err(unusable_value(template, text, &why).help(help).into());
    }
    match no_directory(text) {
        Some((message, help)) => Err(unusable_value(template, text, &message).help(help).into()),
        None => Ok(text.to_owned()),
    }
}

/// The path of a template.
fn dockerfile(template: &Template, text: &str) -> Result<String, Diagnostics> {
    let path = match no_directory(text) {
        Some(_) => Err("a template is a file on this machine".to_owned()),
        None => template_path(text),
    };
    path.map_err(|why| {
        let help = "write the path of a file, relative to the context directory";
        unusable_value(template, text, &why).help(help).into()
    })
}

/// The path of an ignore file.
fn dockerignore(template: &Template, text: &str) -> Result<String, Diagnostics> {
    template_path(text).map_err(|why| {
        let help = "write the path of a file, relative to the directory of matrix.yaml";
        unusable_value(template, text, &why).help(help).into()
    })
}
