//! Evaluates the templates of one cell.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::labels::LabelValues;
use super::pool::Pool;
use crate::error::Diagnostics;
use crate::image::{InvalidReference, Reference};
use crate::input::{
    Cache, Caches, Inputs, NamedContext, RunSettings, Secret, SecretSource, TextMap, cgroup,
};
use crate::matrix::model::{
    Agent, CacheRule, Given, SecretPlace, SecretRule, Settings, Texts, is_variable, no_path,
    unusable,
};
use crate::template::{Scope, Template};

/// Evaluates templates and collects their errors.
pub(crate) struct Made<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) errors: Diagnostics,
    pub(crate) pool: &'a Pool,
}

impl Made<'_> {
    pub(crate) fn keep<T>(&mut self, found: Result<T, Diagnostics>) -> Option<T> {
        found.map_err(|errors| self.errors.extend(errors)).ok()
    }

    pub(crate) fn text(&mut self, template: &Template) -> String {
        self.keep(template.render_inline(self.scope)).unwrap_or_default()
    }

    pub(super) fn optional(&mut self, template: &Option<Template>) -> Option<String> {
        template.as_ref().map(|template| self.text(template))
    }

    /// The inputs of the build that the file sets. `auto` has the labels that `auto` adds.
    pub(super) fn inputs(&mut self, settings: &Settings, auto: &LabelValues<'_>) -> Inputs {
        let args = self.map(&settings.args, auto.args());
        let labels = auto.fill(&settings.auto_labels, &args);
        let annotations = auto.fill(&settings.auto_annotations, &args);
        Inputs {
            target: self.optional(&settings.target).map(|text| self.pool.text(text)),
            labels: self.map(&settings.labels, labels),
            annotations: self.map(&settings.annotations, annotations),
            ssh: self.ssh(&settings.ssh),
            args,
            network: settings.network.as_ref().map(|given| given.value),
            run: self.run(settings),
            bases: self.parsed(&settings.bases),
            contexts: self.contexts(&settings.contexts),
            secrets: self.secrets(&settings.secrets),
        }
    }

    fn run(&mut self, settings: &Settings) -> RunSettings {
        let mut run = RunSettings::default();
        if let Some(template) = &settings.shm_size {
            run.shm_size = self.checked(template, str::parse);
        }
        if let Some(template) = &settings.cgroup_parent {
            let path = |text: &str| cgroup(text).map(|()| Arc::from(text));
            let given = self.checked(template, path);
            run.cgroup_parent = given.filter(|path: &Arc<str>| !path.is_empty());
        }
        for (name, template) in &settings.ulimits {
            let limit = self.checked(template, str::parse);
            run.ulimits.extend(limit.map(|limit| (name.to_string(), limit)));
        }
        for (name, template) in &settings.add_hosts {
            let addresses = self.checked(template, str::parse);
            run.add_hosts.extend(addresses.map(|addresses| (name.to_string(), addresses)));
        }
        run
    }

    /// A rendered template, parsed. The error points at the template.
    fn checked<T>(
        &mut self,
        template: &Template,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.keep(template.render_inline(self.scope))?;
        self.keep(parse(&text).map_err(|why| unusable(template, &text, why)))
    }

    pub(super) fn caches(&mut self, settings: &Settings) -> Caches {
        Caches {
            from: self.cache_list(&settings.cache_from),
            to: self.cache_list(&settings.cache_to),
        }
    }

    /// `first`, overlaid with the strings of the file.
    fn map(&mut self, texts: &Texts, first: TextMap) -> TextMap {
        let mut found = first;
        for (key, template) in texts {
            let text = self.text(template);
            found.insert(key.clone(), self.pool.text(text));
        }
        found
    }

    /// The strings of the file.
    pub(crate) fn texts(&mut self, texts: &Texts) -> IndexMap<String, String> {
        texts.iter().map(|(key, template)| (key.to_string(), self.text(template))).collect()
    }

    fn parsed(&mut self, texts: &Texts) -> IndexMap<String, Reference> {
        let mut found = IndexMap::with_capacity(texts.len());
        for (key, template) in texts {
            if let Some(reference) = self.keep(parsed(template, self.scope, "")) {
                found.insert(key.to_string(), reference);
            }
        }
        found
    }

    fn contexts(&mut self, texts: &Texts) -> IndexMap<String, NamedContext> {
        let mut found = IndexMap::with_capacity(texts.len());
        for (key, template) in texts {
            let text = self.text(template);
            let read = text.parse().map_err(|why| unusable(template, &text, why));
            if let Some(context) = self.keep(read) {
                found.insert(key.to_string(), context);
            }
        }
        found
    }

    fn ssh(&mut self, ids: &[(String, Agent)]) -> IndexMap<String, Vec<PathBuf>> {
        let mut found = IndexMap::with_capacity(ids.len());
        for (id, agent) in ids {
            let places = self.optional(&agent.socket).unwrap_or_default();
            let places = places.split(',').filter(|place| !place.is_empty());
            found.insert(id.clone(), places.map(PathBuf::from).collect());
        }
        found
    }

    fn secrets(&mut self, secrets: &[(String, SecretRule)]) -> IndexMap<String, Secret> {
        let mut found = IndexMap::with_capacity(secrets.len());
        for (id, secret) in secrets {
            let text = self.text(secret.template());
            let wrong = |why: &str| unusable(secret.template(), &text, why.to_owned());
            let source = match secret.source {
                SecretPlace::Variable(_) if !is_variable(&text) => {
                    Err(wrong("this is not the name of a variable"))
                }
                SecretPlace::File(_) => match no_path(&text) {
                    Some(why) => Err(wrong(&why)),
                    None => Ok(SecretSource::File(text.clone().into())),
                },
                SecretPlace::Variable(_) => Ok(SecretSource::Variable(text.clone())),
            };
            if let Some(source) = self.keep(source) {
                let span = Some(secret.template().span());
                let secret = Secret { source, optional: secret.optional, span };
                found.insert(id.clone(), secret);
            }
        }
        found
    }

    fn cache_list(&mut self, rules: &Option<Given<Vec<CacheRule>>>) -> Vec<Cache> {
        let mut found = Vec::new();
        for rule in rules.iter().flat_map(|given| &given.value) {
            match rule {
                CacheRule::Line(template) => {
                    let text = self.text(template);
                    let caches = Cache::parse(&text).map_err(|why| unusable(template, &text, why));
                    found.extend(self.keep(caches).unwrap_or_default());
                }
                CacheRule::Map { kind, attributes } => {
                    let attributes = self.texts(attributes);
                    found.push(Cache { kind: kind.clone(), attributes });
                }
            }
        }
        found
    }
}

/// Renders a template and parses the result. The error points at the template.
pub(super) fn parsed<T>(template: &Template, scope: &Scope, prefix: &str) -> Result<T, Diagnostics>
where
    T: std::str::FromStr<Err = InvalidReference>,
{
    let text = prefix.to_owned() + &template.render_inline(scope)?;
    text.parse().map_err(|error: T::Err| unusable(template, &text, error.to_string()))
}
