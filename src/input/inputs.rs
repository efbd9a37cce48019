//! Settings of a build: the matrix sets them for one cell, the command line for all cells.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::{Cache, NamedContext, Network, RunSettings, Secret, SecretSource, TextMap};
use crate::image::Reference;

/// The inputs of a build besides the Dockerfile and its context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Values for `ARG`.
    pub args: TextMap,
    pub labels: TextMap,
    /// Media types of the image index and its manifests.
    pub annotations: TextMap,
    /// The stage to build; by default the last one.
    pub target: Option<Arc<str>>,
    /// The network of `RUN` steps.
    pub network: Option<Network>,
    /// Limits and hosts of `RUN` steps.
    pub run: RunSettings,
    /// The replacement for an image, by its name in `FROM`.
    pub bases: IndexMap<String, Reference>,
    /// Named contexts, by their name in `FROM` and `COPY --from`.
    pub contexts: IndexMap<String, NamedContext>,
    /// Secrets for `RUN --mount=type=secret`, by id.
    pub secrets: IndexMap<String, Secret>,
    /// Sockets of agents, or private keys, for `RUN --mount=type=ssh`, by id. An empty list means the
    /// running agent.
    pub ssh: IndexMap<String, Vec<PathBuf>>,
}

/// Where a build reads and writes caches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caches {
    pub from: Vec<Cache>,
    pub to: Vec<Cache>,
}

impl Inputs {
    /// These settings with `over` on top: maps are merged key by key, single values are replaced.
    #[must_use]
    pub fn overlaid(mut self, over: &Self) -> Self {
        merge(&mut self.args, &over.args);
        merge(&mut self.labels, &over.labels);
        merge(&mut self.annotations, &over.annotations);
        self.target = over.target.clone().or(self.target);
        self.network = over.network.or(self.network);
        self.run.overlay(&over.run);
        merge(&mut self.bases, &over.bases);
        merge(&mut self.contexts, &over.contexts);
        merge(&mut self.secrets, &over.secrets);
        merge(&mut self.ssh, &over.ssh);
        self
    }

    /// These settings with every local path mapped by `path`.
    #[must_use]
    pub fn with_paths(mut self, path: impl Fn(&Path) -> PathBuf) -> Self {
        for context in self.contexts.values_mut() {
            if let Some(local) = context.local_path_mut() {
                *local = path(local);
            }
        }
        for secret in self.secrets.values_mut() {
            if let SecretSource::File(file) = &mut secret.source {
                *file = path(file);
            }
        }
        for place in self.ssh.values_mut().flatten() {
            *place = path(place);
        }
        self
    }

    /// Bytes that only these settings hold. Shared strings are not counted.
    pub fn own_size(&self) -> usize {
        let maps = [&self.args, &self.labels, &self.annotations].map(|map| map.len());
        let entries = maps.into_iter().sum::<usize>() * size_of::<(Arc<str>, Arc<str>)>();
        let names = self.contexts.keys().chain(self.secrets.keys()).chain(self.ssh.keys());
        let contexts = self.contexts.values().map(|context| match context {
            NamedContext::Image(_) => 0,
            NamedContext::Folder(path) => path.as_os_str().len(),
            NamedContext::Layout(layout) => layout.to_string().len(),
            NamedContext::Url(url) => url.len(),
        });
        let secrets = self.secrets.values().map(|secret| match &secret.source {
            SecretSource::File(path) => path.as_os_str().len(),
            SecretSource::Variable(name) => name.len(),
        });
        let ssh = self.ssh.values().flatten().map(|path| path.as_os_str().len());
        entries
            + self.run.own_size()
            + names.map(String::len).chain(contexts).chain(secrets).chain(ssh).sum::<usize>()
    }
}

impl Caches {
    /// All caches: first those to read, then those to write.
    pub fn iter(&self) -> impl Iterator<Item = &Cache> {
        self.from.iter().chain(&self.to)
    }

    /// All caches, mapped by `cache`.
    #[must_use]
    pub fn map(&self, cache: impl Fn(&Cache) -> Cache) -> Self {
        Self {
            from: self.from.iter().map(&cache).collect(),
            to: self.to.iter().map(&cache).collect(),
        }
    }

    /// These caches, followed by those of `more`. Unlike other settings, caches add up.
    #[must_use]
    pub fn followed_by(mut self, more: &Self) -> Self {
        self.from.extend(more.from.iter().cloned());
        self.to.extend(more.to.iter().cloned());
        self
    }

    /// The size of their attributes, in bytes.
    pub fn own_size(&self) -> usize {
        let attributes = self.iter().flat_map(|cache| &cache.attributes);
        attributes.map(|(key, value)| key.len() + value.len()).sum()
    }
}

fn merge<K, V>(all: &mut IndexMap<K, V>, over: &IndexMap<K, V>)
where
    K: Clone + Eq + std::hash::Hash,
    V: Clone,
{
    all.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{ByteSize, HostAddresses, Ulimit};

    /// One value of each kind, named after `name`.
    fn inputs(name: &str) -> Inputs {
        let texts = || TextMap::from_iter([("both".into(), name.into()), (name.into(), "".into())]);
        fn map<T: Clone>(name: &str, value: T) -> IndexMap<String, T> {
            IndexMap::from([("both".to_owned(), value.clone()), (name.to_owned(), value)])
        }
        Inputs {
            args: texts(),
            labels: texts(),
            annotations: texts(),
            target: Some(name.into()),
            network: Some(if name == "flag" { Network::Host } else { Network::None }),
            run: RunSettings {
                shm_size: Some(ByteSize(if name == "flag" { 1 } else { 2 })),
                ulimits: [("core", name), ("cpu", "both")]
                    .map(|(limit, of)| {
                        let value = if of == "flag" { 1 } else { 2 };
                        (limit.to_owned(), Ulimit { soft: value, hard: value })
                    })
                    .into(),
                cgroup_parent: Some(name.into()),
                add_hosts: [(name.to_owned(), HostAddresses::Gateway)].into(),
            },
            bases: map(name, name.parse().unwrap()),
            contexts: map(name, NamedContext::Folder(name.into())),
            secrets: map(name, SecretSource::File(name.into()).into()),
            ssh: map(name, vec![name.into()]),
        }
    }

    #[test]
    fn a_flag_replaces_the_same_key_of_the_file_and_no_other() {
        let file = inputs("file");
        let both = file.clone().overlaid(&inputs("flag"));
        for texts in [&both.args, &both.labels, &both.annotations] {
            assert_eq!(format!("{texts:?}"), r#"{"both": "flag", "file": "", "flag": ""}"#);
        }
        assert_eq!((both.target.as_deref(), both.network), (Some("flag"), Some(Network::Host)));
        assert_eq!(
            (both.run.shm_size, both.run.cgroup_parent),
            (Some(ByteSize(1)), Some("flag".into()))
        );
        assert_eq!((both.run.ulimits["core"].soft, both.run.add_hosts.len()), (1, 2));
        let values = [
            both.bases.values().map(Reference::familiar).collect::<Vec<_>>(),
            both.contexts.values().map(ToString::to_string).collect(),
            both.secrets
                .values()
                .map(|secret| secret.to_string().replace("the file ", ""))
                .collect(),
            both.ssh.values().map(|places| places[0].display().to_string()).collect(),
        ];
        for values in values {
            assert_eq!(values, ["flag", "file", "flag"]);
        }
        assert_eq!(file.clone().overlaid(&Inputs::default()), file);
    }

    #[test]
    fn every_local_path_is_replaced_and_nothing_else() {
        let mut given = inputs("a");
        let url = NamedContext::Url("https://x.example/a.git".to_owned());
        given.contexts.insert("url".to_owned(), url);
        given.secrets.insert("v".to_owned(), SecretSource::Variable("V".to_owned()).into());
        let moved = given.clone().with_paths(|path| Path::new("there").join(path));
        let mut wanted = given;
        for name in ["both", "a"] {
            wanted.contexts[name] = NamedContext::Folder("there/a".into());
            wanted.secrets[name] = SecretSource::File("there/a".into()).into();
            wanted.ssh[name] = vec!["there/a".into()];
        }
        assert_eq!(moved, wanted);
    }

    #[test]
    fn caches_of_flags_come_after_those_of_the_file() {
        let caches = |from: &str, to: &str| Caches {
            from: Cache::parse(from).unwrap(),
            to: Cache::parse(to).unwrap(),
        };
        let all = caches("a", "b,c").followed_by(&caches("d,e", "f"));
        assert_eq!(all, caches("a,d,e", "b,c,f"));
        let shown: Vec<String> = all.iter().map(|cache| cache.attributes["ref"].clone()).collect();
        assert_eq!(shown, ["a", "d", "e", "b", "c", "f"]);
    }
}
