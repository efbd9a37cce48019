//! Settings of all cells, and of the cells that match a rule.

use std::sync::Arc;

use super::given::{Given, Texts, merge};
use super::labels::AutoLabels;
use super::smoke::SmokeRule;
use super::var::Var;
use crate::error::Span;
use crate::image::Platform;
use crate::input::{MediaTypes, Network, Retry};
use crate::template::{Template, Value};

/// The keys that are allowed at the top of the file and in rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) platforms: Option<Given<Arc<[Platform]>>>,
    pub(crate) context: Option<Template>,
    pub(crate) dockerfile: Option<Template>,
    pub(crate) dockerignore: Option<Template>,
    /// Whether the Dockerfile is a template; the default is true.
    pub(crate) template: Option<Given<bool>>,
    pub(crate) target: Option<Template>,
    pub(crate) network: Option<Given<Network>>,
    pub(crate) shm_size: Option<Template>,
    pub(crate) cgroup_parent: Option<Template>,
    pub(crate) ulimits: Texts,
    pub(crate) add_hosts: Texts,
    pub(crate) media_types: Option<Given<MediaTypes>>,
    /// In the order of evaluation.
    pub(crate) vars: Vec<Var>,
    pub(crate) args: Texts,
    pub(crate) labels: Texts,
    pub(crate) annotations: Texts,
    /// The standard labels to fill in.
    pub(crate) auto_labels: Option<Given<AutoLabels>>,
    pub(crate) auto_annotations: Option<Given<AutoLabels>>,
    pub(crate) bases: Texts,
    pub(crate) contexts: Texts,
    pub(crate) secrets: Vec<(String, SecretRule)>,
    /// Ids, with a socket unless it is the running agent.
    pub(crate) ssh: Vec<(String, Agent)>,
    pub(crate) cache_from: Option<Given<Vec<CacheRule>>>,
    pub(crate) cache_to: Option<Given<Vec<CacheRule>>>,
    pub(crate) smoke: Option<SmokeRule>,
    pub(crate) retry: Option<Given<Retry>>,
    /// The names that these settings declare themselves.
    pub(crate) declared: Vec<Declared>,
    /// Properties of axis values; axis and value are indexes.
    pub(crate) properties: Vec<(usize, usize, Properties)>,
}

/// A name that the file declares for builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub kind: DeclaredKind,
    pub name: String,
    pub span: Span,
}

/// The kind of a declared name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeclaredKind {
    Arg,
    Base,
    Context,
    Secret,
    Ssh,
}

pub(crate) type Properties = Arc<[(Arc<str>, Value)]>;

/// A secret, and whether it is optional.
#[derive(Debug, Clone)]
pub(crate) struct SecretRule {
    pub(crate) source: SecretPlace,
    pub(crate) optional: bool,
}

/// The place of a secret.
#[derive(Debug, Clone)]
pub(crate) enum SecretPlace {
    File(Template),
    Variable(Template),
}

#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) socket: Option<Template>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum CacheRule {
    /// A string as in flags.
    Line(Template),
    Map {
        kind: String,
        attributes: Texts,
    },
}

impl Settings {
    /// Merges `other` over these settings. Maps are merged key by key, everything else is replaced.
    pub(crate) fn overlaid(&self, other: &Self) -> Self {
        let mut all = self.clone();
        replace(&mut all.platforms, &other.platforms);
        replace(&mut all.context, &other.context);
        replace(&mut all.dockerfile, &other.dockerfile);
        replace(&mut all.dockerignore, &other.dockerignore);
        replace(&mut all.template, &other.template);
        replace(&mut all.target, &other.target);
        replace(&mut all.network, &other.network);
        replace(&mut all.shm_size, &other.shm_size);
        replace(&mut all.cgroup_parent, &other.cgroup_parent);
        replace(&mut all.media_types, &other.media_types);
        replace(&mut all.auto_labels, &other.auto_labels);
        replace(&mut all.auto_annotations, &other.auto_annotations);
        replace(&mut all.cache_from, &other.cache_from);
        replace(&mut all.cache_to, &other.cache_to);
        replace(&mut all.retry, &other.retry);
        if let Some(test) = &other.smoke {
            all.smoke = Some(test.over(all.smoke.as_ref()));
        }
        for var in &other.vars {
            match all.vars.iter_mut().find(|known| known.name == var.name) {
                Some(known) => *known = var.clone(),
                None => all.vars.push(var.clone()),
            }
        }
        merge(&mut all.args, &other.args);
        merge(&mut all.labels, &other.labels);
        merge(&mut all.annotations, &other.annotations);
        merge(&mut all.ulimits, &other.ulimits);
        merge(&mut all.add_hosts, &other.add_hosts);
        merge(&mut all.bases, &other.bases);
        merge(&mut all.contexts, &other.contexts);
        merge(&mut all.secrets, &other.secrets);
        merge(&mut all.ssh, &other.ssh);
        all.properties.extend(other.properties.iter().cloned());
        all
    }

    /// Whether no setting is given.
    pub(crate) fn is_empty(&self) -> bool {
        let single = self.platforms.is_some()
            || self.context.is_some()
            || self.dockerfile.is_some()
            || self.dockerignore.is_some()
            || self.template.is_some()
            || self.target.is_some()
            || self.network.is_some()
            || self.shm_size.is_some()
            || self.cgroup_parent.is_some()
            || self.media_types.is_some()
            || self.auto_labels.is_some()
            || self.auto_annotations.is_some()
            || self.cache_from.is_some()
            || self.cache_to.is_some()
            || self.retry.is_some()
            || self.smoke.is_some();
        let texts = [&self.args, &self.labels, &self.annotations, &self.bases, &self.contexts];
        let steps = [&self.ulimits, &self.add_hosts];
        !single
            && texts.into_iter().chain(steps).all(Vec::is_empty)
            && self.vars.is_empty()
            && self.secrets.is_empty()
            && self.ssh.is_empty()
            && self.properties.is_empty()
    }

    /// All strings with placeholders except those of vars.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.replaced().chain(self.smoke.iter().flat_map(SmokeRule::templates))
    }

    /// The same without those of the smoke test, whose command may be for a shell.
    pub(crate) fn replaced(&self) -> impl Iterator<Item = &Template> {
        let steps = [&self.shm_size, &self.cgroup_parent];
        let single = [&self.context, &self.dockerfile, &self.dockerignore, &self.target];
        let single = single.into_iter().chain(steps).flatten();
        let maps = [&self.args, &self.labels, &self.annotations, &self.bases, &self.contexts];
        let maps = maps
            .into_iter()
            .chain([&self.ulimits, &self.add_hosts])
            .flatten()
            .map(|(_, template)| template);
        let secrets = self.secrets.iter().map(|(_, secret)| secret.template());
        let sockets = self.ssh.iter().filter_map(|(_, agent)| agent.socket.as_ref());
        let caches = [&self.cache_from, &self.cache_to].into_iter().flatten();
        let caches = caches.flat_map(|given| &given.value).flat_map(CacheRule::templates);
        single.chain(maps).chain(secrets).chain(sockets).chain(caches)
    }
}

impl SecretRule {
    pub(crate) fn template(&self) -> &Template {
        let (SecretPlace::File(template) | SecretPlace::Variable(template)) = &self.source;
        template
    }
}

impl CacheRule {
    /// The place of its target: the directory or the reference.
    pub(crate) fn span(&self) -> Option<Span> {
        match self {
            Self::Line(template) => Some(template.span()),
            Self::Map { attributes, .. } => {
                let is_place = |key: &str| matches!(key, "src" | "dest" | "ref");
                let place = attributes.iter().find(|(key, _)| is_place(key));
                place.or(attributes.first()).map(|(_, template)| template.span())
            }
        }
    }

    fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Line(template) => vec![template],
            Self::Map { attributes, .. } => attributes.iter().map(|(_, text)| text).collect(),
        }
    }
}

fn replace<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        old.clone_from(new);
    }
}
