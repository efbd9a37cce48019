//! What the templates of one cell say.

use indexmap::IndexMap;

use super::pool::Pool;
use crate::error::Diagnostics;
use crate::image::{InvalidReference, Reference};
use crate::input::{Cache, NamedContext, Secret, SecretSource, TextMap};
use crate::matrix::model::{
    CacheRule, Given, SecretPlace, SecretRule, Texts, is_variable, unusable,
};
use crate::template::{Scope, Template};

/// Works out templates, and keeps what is wrong with them.
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

    /// `first`, then what the file says, then what flags say.
    pub(crate) fn map(&mut self, texts: &Texts, first: TextMap, flags: &TextMap) -> TextMap {
        let mut found = first;
        for (key, template) in texts {
            let text = self.text(template);
            found.insert(key.clone(), self.pool.text(text));
        }
        found.extend(flags.iter().map(|(key, text)| (key.clone(), text.clone())));
        found
    }

    /// What the file says alone.
    pub(crate) fn texts(&mut self, texts: &Texts) -> IndexMap<String, String> {
        texts.iter().map(|(key, template)| (key.to_string(), self.text(template))).collect()
    }

    pub(super) fn parsed(&mut self, texts: &Texts) -> IndexMap<String, Reference> {
        let mut found = IndexMap::with_capacity(texts.len());
        for (key, template) in texts {
            if let Some(reference) = self.keep(parsed(template, self.scope, "")) {
                found.insert(key.to_string(), reference);
            }
        }
        found
    }

    pub(super) fn contexts(&mut self, texts: &Texts) -> IndexMap<String, NamedContext> {
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

    pub(super) fn secrets(&mut self, secrets: &[(String, SecretRule)]) -> IndexMap<String, Secret> {
        let mut found = IndexMap::with_capacity(secrets.len());
        for (id, secret) in secrets {
            let text = self.text(secret.template());
            let wrong = |why: &str| unusable(secret.template(), &text, why.to_owned());
            let source = match secret.source {
                SecretPlace::File(_) if text.is_empty() || text.chars().any(char::is_control) => {
                    Err(wrong("this is not a path"))
                }
                SecretPlace::Variable(_) if !is_variable(&text) => {
                    Err(wrong("this is not the name of a variable"))
                }
                SecretPlace::File(_) => Ok(SecretSource::File(text.clone().into())),
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

    pub(super) fn caches(&mut self, rules: &Option<Given<Vec<CacheRule>>>) -> Vec<Cache> {
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

/// Renders a template and parses what comes out; the error points at the template.
pub(super) fn parsed<T>(template: &Template, scope: &Scope, prefix: &str) -> Result<T, Diagnostics>
where
    T: std::str::FromStr<Err = InvalidReference>,
{
    let text = prefix.to_owned() + &template.render_inline(scope)?;
    text.parse().map_err(|error: T::Err| unusable(template, &text, error.to_string()))
}
