//! What a cell accesses beyond its context and the build sandbox, each with its place in the file.
//!
//! Values of flags are not included: the user who typed them has allowed them.

use std::path::PathBuf;

use super::cell::Cell;
use crate::error::Span;
use crate::input::{Cache, NamedContext, Network, SecretSource};
use crate::matrix::model::{CacheRule, Given, Matrix};
use crate::matrix::selection::{DEFAULT_PLATFORM, EPOCH};

/// One access that the matrix requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    pub what: AskedFor,
    pub span: Span,
}

/// The kind of access. Paths are relative to the directory of matrix.yaml.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AskedFor {
    /// The build context.
    Context(PathBuf),
    /// A template outside its context.
    Template(PathBuf),
    IgnoreFile(PathBuf),
    NamedContext {
        name: String,
        path: PathBuf,
    },
    Secret {
        id: String,
        path: PathBuf,
    },
    /// The running SSH agent.
    Agent(String),
    /// The socket of an SSH agent, or the file of a private key.
    Ssh {
        id: String,
        path: PathBuf,
    },
    HostNetwork,
    CacheFrom(PathBuf),
    CacheTo(PathBuf),
    /// The reference of a cache that is pushed to a registry.
    CachePush(String),
    Privileged,
    /// A path of the engine's machine.
    Volume(String),
}

/// An environment variable whose value is used in an image or sent to a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AskedVariable {
    pub name: String,
    /// Where the file requests it; `None` if it is read for every build.
    pub span: Option<Span>,
}

/// The variables in which GitHub's runner describes its cache.
const RUNNER: [&str; 4] = [
    "ACTIONS_CACHE_SERVICE_V2",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
];

impl Cell {
    /// All access that the matrix, not a flag, requests for this cell.
    pub fn asked(&self) -> Vec<Asked> {
        let (settings, flags) = (&self.shared.settings, &self.shared.overrides);
        let (inputs, by_flag) = (&self.inputs, &flags.inputs);
        let mut all = Vec::new();
        let mut ask = |span: Span, what: AskedFor| all.push(Asked { what, span });
        if let Some(template) = &settings.context {
            ask(template.span(), AskedFor::Context(PathBuf::from(&*self.context)));
        }
        if let Some(template) = &settings.dockerfile
            && !self.has_template_in_context()
        {
            ask(template.span(), AskedFor::Template(self.template().into()));
        }
        if let (Some(path), Some(span)) = (&self.dockerignore, self.dockerignore_span()) {
            ask(span, AskedFor::IgnoreFile(PathBuf::from(&**path)));
        }
        for (name, template) in &settings.contexts {
            if let Some(path) = inputs.contexts.get(&**name).and_then(NamedContext::local_path)
                && !by_flag.contexts.contains_key(&**name)
            {
                let what = AskedFor::NamedContext { name: name.to_string(), path: path.to_owned() };
                ask(template.span(), what);
            }
        }
        for (id, rule) in &settings.secrets {
            let secret = inputs.secrets.get(id).filter(|_| !by_flag.secrets.contains_key(id));
            if let Some(SecretSource::File(path)) = secret.map(|secret| &secret.source) {
                let what = AskedFor::Secret { id: id.clone(), path: path.clone() };
                ask(rule.template().span(), what);
            }
        }
        for (id, agent) in &settings.ssh {
            let Some(places) = inputs.ssh.get(id).filter(|_| !by_flag.ssh.contains_key(id)) else {
                continue;
            };
            if places.is_empty() {
                ask(agent.span.clone(), AskedFor::Agent(id.clone()));
            }
            for path in places {
                let span = agent.socket.as_ref().map_or_else(|| agent.span.clone(), |s| s.span());
                ask(span, AskedFor::Ssh { id: id.clone(), path: path.clone() });
            }
        }
        if let Some(given) = &settings.network
            && given.value == Network::Host
            && by_flag.network.is_none()
        {
            ask(given.span.clone(), AskedFor::HostNetwork);
        }
        for (cache, span) in own(&self.caches.from, flags.caches.from.len(), &settings.cache_from) {
            if let Some(path) = cache.folder("src") {
                ask(span, AskedFor::CacheFrom(path.into()));
            }
        }
        for (cache, span) in own(&self.caches.to, flags.caches.to.len(), &settings.cache_to) {
            let reference = cache.attributes.get("ref").filter(|_| cache.kind == "registry");
            if let Some(path) = cache.folder("dest") {
                ask(span, AskedFor::CacheTo(path.into()));
            } else if let Some(reference) = reference {
                ask(span, AskedFor::CachePush(reference.clone()));
            }
        }
        if let (Some(test), Some(rule)) = (&self.smoke, &settings.smoke) {
            if let Some(given) = rule.privileged.as_ref().filter(|given| given.value) {
                ask(given.span.clone(), AskedFor::Privileged);
            }
            for (volume, template) in test.volumes.iter().zip(rule.volumes.iter().flatten()) {
                ask(template.span(), AskedFor::Volume(volume.host.clone()));
            }
        }
        all
    }

    /// The environment variables that the matrix, not a flag, reads for this cell.
    pub fn asked_variables(&self) -> Vec<AskedVariable> {
        let (settings, flags) = (&self.shared.settings, &self.shared.overrides);
        let (inputs, by_flag) = (&self.inputs, &flags.inputs);
        let mut all = Vec::new();
        let mut ask = |name: &str, span: Span| {
            all.push(AskedVariable { name: name.to_owned(), span: Some(span) });
        };
        for (id, rule) in &settings.secrets {
            let secret = inputs.secrets.get(id).filter(|_| !by_flag.secrets.contains_key(id));
            if let Some(SecretSource::Variable(name)) = secret.map(|secret| &secret.source) {
                ask(name, rule.template().span());
            }
        }
        let from = own(&self.caches.from, flags.caches.from.len(), &settings.cache_from);
        let to = own(&self.caches.to, flags.caches.to.len(), &settings.cache_to);
        for (_, span) in from.chain(to).filter(|(cache, _)| cache.kind == "gha") {
            RUNNER.iter().for_each(|name| ask(name, span.clone()));
        }
        for given in [&settings.auto_labels, &settings.auto_annotations].into_iter().flatten() {
            if given.value.git {
                ask(EPOCH, given.span.clone());
            }
        }
        let is_file = settings.args.iter().any(|(key, _)| **key == *EPOCH);
        if flags.epoch.is_some() && !is_file && !by_flag.args.contains_key(EPOCH) {
            all.push(AskedVariable { name: EPOCH.to_owned(), span: None });
        }
        let is_default = settings.platforms.is_none() && flags.platforms.is_empty();
        if is_default && !flags.default_platforms.is_empty() {
            all.push(AskedVariable { name: DEFAULT_PLATFORM.to_owned(), span: None });
        }
        all
    }
}

impl Matrix {
    /// The variables whose values are sent to the sources of axes.
    pub fn asked_variables(&self) -> Vec<AskedVariable> {
        let tokens = self.axis_sources.iter().filter_map(|outside| outside.token.as_ref());
        let ask = |name: &str, span: &Span| AskedVariable {
            name: name.to_owned(),
            span: Some(span.clone()),
        };
        tokens.map(|token| ask(&token.name, &token.span)).collect()
    }
}

/// The caches of a cell that the file names, each with its place. Caches of flags come last.
fn own<'c>(
    caches: &'c [Cache],
    flags: usize,
    given: &'c Option<Given<Vec<CacheRule>>>,
) -> impl Iterator<Item = (&'c Cache, Span)> {
    let caches = &caches[..caches.len().saturating_sub(flags)];
    given.iter().flat_map(move |given| {
        let rules = &given.value;
        caches.iter().enumerate().map(move |(number, cache)| {
            // One line may name several caches.
            let rule = rules.get(number).filter(|_| rules.len() == caches.len());
            (cache, rule.and_then(CacheRule::span).unwrap_or_else(|| given.span.clone()))
        })
    })
}
