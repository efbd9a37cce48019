//! Builders that `docker buildx create` stored under a name.
//!
//! A builder is the file `instances/NAME` in buildx's own directory, with names in lower case. The one of
//! `docker buildx use` is in `current`, and in `defaults` for each docker endpoint. Only read here. Source:
//! <https://github.com/docker/buildx/tree/v0.29.1/store>

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::json::{self, InvalidJson, Object, fields};
use crate::error::why;
use crate::regular;

/// Far larger than any real file; one holds buildkitd.toml and certificates of registries.
const MAX_SIZE: usize = 1024 * 1024;

/// How many builders an error lists.
const MAX_LISTED: usize = 50;

/// The files of buildx.
#[derive(Debug, Clone)]
pub(crate) struct Builders {
    /// buildx's directory.
    folder: PathBuf,
}

/// A builder, as its file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredBuilder {
    pub name: String,
    /// Such as `docker-container`.
    pub driver: String,
    pub nodes: Vec<StoredNode>,
}

/// A BuildKit of a builder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredNode {
    pub name: String,
    /// A docker context or endpoint; for the driver `remote`, an address of BuildKit.
    pub endpoint: String,
    /// What `--driver-opt` said when it was created.
    pub options: BTreeMap<String, String>,
}

/// Why a builder cannot be read.
#[derive(Debug, Error)]
pub(crate) enum InvalidBuilder {
    #[error("there is no builder `{name}`{}", listed(known))]
    Unknown { name: String, known: Vec<String> },
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Malformed { path: PathBuf, line: usize, column: usize, problem: &'static str },
}

fn listed(known: &[String]) -> String {
    match known {
        [] => ": buildx has none".to_owned(),
        known => format!(": there are {}", known.join(", ")),
    }
}

#[derive(Default)]
struct Content {
    driver: Option<String>,
    nodes: Option<Vec<Object<NodeContent>>>,
}

fields!(Content { "driver" => driver, "nodes" => nodes });

#[derive(Debug, Clone, Default)]
struct NodeContent {
    name: Option<String>,
    endpoint: Option<String>,
    options: Option<BTreeMap<String, Option<String>>>,
}

fields!(NodeContent { "name" => name, "endpoint" => endpoint, "driveropts" => options });

/// The content of `current`.
#[derive(Default)]
struct Current {
    key: Option<String>,
    name: Option<String>,
    global: Option<bool>,
}

fields!(Current { "key" => key, "name" => name, "global" => global });

impl Builders {
    /// The builders in buildx's directory `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Reads the builder `name`; `None` if there is none.
    pub(crate) fn builder(&self, name: &str) -> Result<Option<StoredBuilder>, InvalidBuilder> {
        if !is_name(name) {
            return Ok(None);
        }
        let name = name.to_ascii_lowercase();
        let path = self.folder.join("instances").join(&name);
        let Some(text) = read(&path)? else { return Ok(None) };
        let content: Content = json::whole(&text).map_err(|invalid| malformed(&path, invalid))?;
        let nodes = content.nodes.unwrap_or_default().into_iter();
        let nodes = nodes.map(|Object(node)| {
            let options = node.options.unwrap_or_default().into_iter();
            StoredNode {
                name: node.name.unwrap_or_default(),
                endpoint: node.endpoint.unwrap_or_default(),
                options: options.map(|(key, value)| (key, value.unwrap_or_default())).collect(),
            }
        });
        let driver = content.driver.unwrap_or_default();
        Ok(Some(StoredBuilder { name, driver, nodes: nodes.collect() }))
    }

    /// The error for a builder that does not exist.
    pub(crate) fn unknown(&self, name: &str) -> InvalidBuilder {
        let entries = std::fs::read_dir(self.folder.join("instances")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut known: Vec<String> = names.filter(|name| is_name(name)).take(MAX_LISTED).collect();
        known.sort();
        InvalidBuilder::Unknown { name: name.to_owned(), known }
    }

    /// The builder of `docker buildx use` for the docker endpoint `key`, if there is one.
    pub(crate) fn current(&self, key: &str) -> Result<Option<StoredBuilder>, InvalidBuilder> {
        let path = self.folder.join("current");
        if let Some(text) = read(&path)? {
            let current: Current =
                json::whole(&text).map_err(|invalid| malformed(&path, invalid))?;
            let is_used = current.global == Some(true) || current.key.as_deref() == Some(key);
            let name = current.name.filter(|name| is_used && !name.is_empty());
            if let Some(name) = name {
                return self.builder(&name);
            }
        }
        let id: String =
            Sha256::digest(key).iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        match read(&self.folder.join("defaults").join(id))? {
            Some(name) => self.builder(String::from_utf8_lossy(&name).trim()),
            None => Ok(None),
        }
    }
}

/// Whether buildx accepts this as the name of a builder. It is a file name, too.
fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(known)
}

/// The content of a file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, InvalidBuilder> {
    let unreadable = |reason: String| InvalidBuilder::Unreadable { path: path.to_owned(), reason };
    match regular::read(path, MAX_SIZE) {
        Ok(Some(text)) => Ok(Some(text)),
        Ok(None) => Err(unreadable("larger than 1 MiB".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(why(&error))),
    }
}

fn malformed(path: &Path, invalid: InvalidJson) -> InvalidBuilder {
    let InvalidJson { line, column, problem } = invalid;
    InvalidBuilder::Malformed { path: path.to_owned(), line, column, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(files: &[(&str, &str)]) -> (tempfile::TempDir, Builders) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let builders = Builders::new(folder.path().to_owned());
        (folder, builders)
    }

    const REMOTE: &str = r#"{"Name": "far", "Driver": "remote", "Nodes": [
        {"Name": "far0", "Endpoint": "tcp://b:1", "Platforms": [{"architecture": "arm64", "os": "linux"}],
         "DriverOpts": {"cacert": "/ca.pem"}, "Flags": null, "Files": null}], "Dynamic": false}"#;

    #[test]
    fn a_builder_is_read_by_its_name_in_lower_case() {
        let (_kept, builders) = store(&[("instances/far", REMOTE)]);
        for name in ["far", "FAR"] {
            let found = builders.builder(name).unwrap().unwrap();
            assert_eq!((&*found.name, &*found.driver), ("far", "remote"));
            assert_eq!((&*found.nodes[0].name, &*found.nodes[0].endpoint), ("far0", "tcp://b:1"));
            assert_eq!(found.nodes[0].options["cacert"], "/ca.pem");
        }
        for name in ["", "near", "../instances/far", "9", "far\n"] {
            assert_eq!(builders.builder(name).unwrap(), None, "{name}");
        }
        let error = builders.unknown("near").to_string();
        assert_eq!(error, "there is no builder `near`: there are far");
        let error = store(&[]).1.unknown("near").to_string();
        assert_eq!(error, "there is no builder `near`: buildx has none");
    }

    #[test]
    fn the_current_builder_belongs_to_an_endpoint_or_to_all() {
        // The first 20 digits of the SHA-256 of `unix:///a`.
        let id: String =
            Sha256::digest("unix:///a").iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        let by_default = format!("defaults/{id}");
        let one = r#"{"Key": "unix:///a", "Name": "far", "Global": false}"#;
        for (files, key, found) in [
            (&[("current", one)][..], "unix:///a", true),
            (&[("current", one)], "unix:///b", false),
            (&[("current", r#"{"Key": "x", "Name": "far", "Global": true}"#)], "unix:///b", true),
            (
                &[("current", r#"{"Key": "unix:///a", "Name": "", "Global": false}"#)],
                "unix:///a",
                false,
            ),
            (&[("current", r#"{"Key": "unix:///a", "Name": "gone"}"#)], "unix:///a", false),
            (&[(&by_default, "far")], "unix:///a", true),
            (&[(&by_default, "far")], "unix:///b", false),
            (&[], "unix:///a", false),
        ] {
            let all = [files, &[("instances/far", REMOTE)]].concat();
            let (_kept, builders) = store(&all);
            assert_eq!(builders.current(key).unwrap().is_some(), found, "{files:?} {key}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let long = " ".repeat(MAX_SIZE + 1);
        let (_kept, builders) = store(&[
            ("instances/list", "[]"),
            ("instances/half", "{\n \"Nodes\": [{\"Endpoint\": 7}]}"),
            ("instances/long", &long),
            ("instances/folder/file", ""),
            ("current", "{"),
        ]);
        for (name, expected) in [
            ("list", "instances/list:1:"),
            ("half", "instances/half:2:25: a value has the wrong type"),
            ("long", "larger than 1 MiB"),
            ("folder", "it is a directory"),
        ] {
            let error = builders.builder(name).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = builders.current("unix:///a").unwrap_err().to_string();
        assert!(error.contains("current:1:1: the JSON is incomplete"), "{error}");
    }
}
