//! A plan for programs.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::escaped;
use crate::input::{
    Cache, MediaTypes, NamedContext, Network, Secret, SecretSource, Test, TestCommand,
};
use crate::matrix::Cell;

/// What a build of a plan reaches beyond the repository and the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond {
    /// As `--allow` takes them, granted or not.
    pub grants: Vec<String>,
    /// The names of the variables that it reads.
    pub environment: Vec<String>,
}

/// The plan for programs. Versioned: fields are added, never changed, under one version.
pub fn json(cells: &[Cell], beyond: &Beyond) -> String {
    let cells: Vec<Value> = cells.iter().map(cell).collect();
    let Beyond { grants, environment } = beyond;
    let plan = json!({
        "version": 1,
        "cells": cells,
        "grants": grants,
        "environment": environment,
    });
    let mut text = serde_json::to_string_pretty(&plan)
        .expect("texts, lists and maps with text keys always serialize");
    text.push('\n');
    escaped(&text)
}

fn cell(cell: &Cell) -> Value {
    let axes: serde_json::Map<String, Value> =
        cell.axes.iter().map(|(axis, value)| (axis.to_string(), json!(&**value))).collect();
    let bases: serde_json::Map<String, Value> =
        cell.bases.iter().map(|(name, to)| (name.clone(), json!(to.to_string()))).collect();
    json!({
        "cell": &*cell.name,
        "axes": axes,
        "platforms": cell.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "references": cell.references.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "context": &*cell.context,
        "dockerfile": &*cell.dockerfile,
        "args": cell.args,
        "labels": cell.labels,
        "annotations": cell.annotations,
        "target": cell.target,
        "bases": bases,
        "contexts": named(&cell.contexts, context),
        "secrets": named(&cell.secrets, secret),
        "ssh": cell.ssh,
        "network": cell.network.map(network),
        "media-types": media_types(cell.media_types),
        "test": cell.test.as_ref().map(test),
        "cache_from": cell.cache_from.iter().map(cache).collect::<Vec<_>>(),
        "cache_to": cell.cache_to.iter().map(cache).collect::<Vec<_>>(),
    })
}

fn named<T>(items: &IndexMap<String, T>, value: fn(&T) -> Value) -> Value {
    items.iter().map(|(name, item)| (name.clone(), value(item))).collect()
}

fn context(context: &NamedContext) -> Value {
    match context {
        NamedContext::Image(reference) => json!({ "image": reference.to_string() }),
        NamedContext::Folder(folder) => json!({ "folder": folder }),
        NamedContext::Url(url) => json!({ "url": url }),
    }
}

/// Where it is found: the value is in no plan.
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

fn test(test: &Test) -> Value {
    let mut value = serde_json::Map::new();
    match &test.command {
        Some(TestCommand::Words(words)) => value.insert("run".to_owned(), json!(words)),
        Some(TestCommand::Shell(line)) => value.insert("run".to_owned(), json!(line)),
        Some(TestCommand::Script(path)) => value.insert("script".to_owned(), json!(path)),
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
