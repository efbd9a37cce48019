//! A plan as JSON.

use std::io::{self, Write};

use indexmap::IndexMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{redacted, texts_of, write_pretty};
use crate::input::{
    ByteSize, Cache, HostAddresses, MediaTypes, NamedContext, Network, Retry, RunSettings, Secret,
    SecretSource, SmokeCommand, SmokeTest, Ulimit,
};
use crate::matrix::Cell;

/// Everything outside the repository and the sandbox that a build of the plan accesses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// In the syntax of `--allow`, whether granted or not.
    pub grants: Vec<String>,
    /// The names of the environment variables that it reads.
    pub environment: Vec<String>,
}

/// Writes the plan as JSON, cell by cell, without the secrets in URLs. A version only ever gains fields; it
/// never changes them.
pub(crate) fn write_json(cells: &[Cell], beyond: &Beyond, out: &mut impl Write) -> io::Result<()> {
    let Beyond { grants, environment } = beyond;
    write_pretty(&Plan { version: 1, cells: Cells(cells), grants, environment }, out)
}

#[derive(Serialize)]
struct Plan<'c> {
    version: u32,
    cells: Cells<'c>,
    grants: &'c [String],
    environment: &'c [String],
}

/// Cells are created one at a time.
struct Cells<'c>(&'c [Cell]);

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| redacted(cell(one))))
    }
}

fn cell(cell: &Cell) -> Value {
    let axes: serde_json::Map<String, Value> =
        cell.axes.iter().map(|(axis, value)| (axis.to_string(), json!(&**value))).collect();
    let bases: serde_json::Map<String, Value> =
        cell.inputs.bases.iter().map(|(name, to)| (name.clone(), json!(to.to_string()))).collect();
    let mut value = json!({
        "cell": &*cell.name,
        "axes": axes,
        "platforms": cell.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "references": cell.references.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "context": &*cell.context,
        "dockerfile": &*cell.dockerfile,
        "dockerignore": cell.dockerignore.as_deref(),
        "args": texts_of(&cell.inputs.args),
        "labels": texts_of(&cell.inputs.labels),
        "annotations": texts_of(&cell.inputs.annotations),
        "target": cell.inputs.target.as_deref(),
        "bases": bases,
        "contexts": named(&cell.inputs.contexts, context),
        "secrets": named(&cell.inputs.secrets, secret),
        "ssh": cell.inputs.ssh,
        "network": cell.inputs.network.map(network),
        "media-types": media_types(cell.media_types),
        "test": cell.smoke.as_deref().map(smoke),
        "retry": retry(&cell.retry),
        "cache_from": cell.caches.from.iter().map(cache).collect::<Vec<_>>(),
        "cache_to": cell.caches.to.iter().map(cache).collect::<Vec<_>>(),
    });
    if !cell.is_template {
        value["template"] = json!(false);
    }
    run(&cell.inputs.run, &mut value);
    value
}

/// Adds the settings of `RUN` steps that are set.
fn run(settings: &RunSettings, value: &mut Value) {
    let RunSettings { shm_size, ulimits, cgroup_parent, add_hosts } = settings;
    if let Some(ByteSize(bytes)) = shm_size {
        value["shm_size"] = json!(bytes);
    }
    if !ulimits.is_empty() {
        let limit = |limit: &Ulimit| json!({ "soft": limit.soft, "hard": limit.hard });
        value["ulimits"] =
            ulimits.iter().map(|(name, one)| (name.clone(), limit(one))).collect::<Value>();
    }
    if let Some(parent) = cgroup_parent {
        value["cgroup_parent"] = json!(&**parent);
    }
    if !add_hosts.is_empty() {
        let addresses = |one: &HostAddresses| match one {
            HostAddresses::Gateway => vec!["host-gateway".to_owned()],
            HostAddresses::Known(known) => known.iter().map(ToString::to_string).collect(),
        };
        value["add_hosts"] = add_hosts
            .iter()
            .map(|(name, one)| (name.clone(), json!(addresses(one))))
            .collect::<Value>();
    }
}

fn named<T>(items: &IndexMap<String, T>, value: fn(&T) -> Value) -> Value {
    items.iter().map(|(name, item)| (name.clone(), value(item))).collect()
}

fn context(context: &NamedContext) -> Value {
    match context {
        NamedContext::Image(reference) => json!({ "image": reference.to_string() }),
        NamedContext::Folder(folder) => json!({ "folder": folder }),
        NamedContext::Layout(layout) => json!({ "layout": layout.to_string() }),
        NamedContext::Url(url) => json!({ "url": url }),
    }
}

/// The source of the secret; the plan never contains its value.
fn secret(secret: &Secret) -> Value {
    let mut shown = match &secret.source {
        SecretSource::File(path) => json!({ "file": path }),
        SecretSource::Variable(name) => json!({ "env": name }),
    };
    if secret.optional {
        shown["optional"] = json!(true);
    }
    shown
}

fn media_types(types: MediaTypes) -> &'static str {
    match types {
        MediaTypes::Oci => "oci",
        MediaTypes::Docker => "docker",
    }
}

fn network(network: Network) -> &'static str {
    match network {
        Network::Default => "default",
        Network::None => "none",
        Network::Host => "host",
    }
}

fn retry(retry: &Retry) -> Value {
    json!({ "retries": retry.retries(), "when": *retry.when })
}

fn smoke(test: &SmokeTest) -> Value {
    let mut value = serde_json::Map::new();
    match &test.command {
        Some(SmokeCommand::Words(words)) => value.insert("run".to_owned(), json!(words)),
        Some(SmokeCommand::Shell(line)) => value.insert("run".to_owned(), json!(line)),
        Some(SmokeCommand::Script(path)) => value.insert("script".to_owned(), json!(path)),
        None => None,
    };
    let volumes: Vec<String> = test.volumes.iter().map(ToString::to_string).collect();
    for (key, item) in [
        ("healthy", json!(test.healthy.as_ref().map(|wait| wait.limit.to_string()))),
        ("timeout", json!(test.timeout.to_string())),
        ("env", json!(test.env)),
        ("volumes", json!(volumes)),
        ("privileged", json!(test.privileged)),
    ] {
        value.insert(key.to_owned(), item);
    }
    Value::Object(value)
}

fn cache(cache: &Cache) -> Value {
    let kind = std::iter::once(("type".to_owned(), json!(cache.kind)));
    let attributes = cache.attributes.iter().map(|(key, value)| (key.clone(), json!(value)));
    kind.chain(attributes).collect()
}
