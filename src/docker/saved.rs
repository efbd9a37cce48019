//! Docker contexts: engines that `docker context create` stored under a name.
//!
//! A context is a directory named by the SHA-256 of its name, in `contexts/meta` of Docker's own
//! directory. Its certificates are in a directory of the same name in `contexts/tls`. Source:
//! <https://docs.docker.com/engine/manage-resources/contexts/>

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::json::{self, InvalidJson, Object, fields};
use crate::dial::TlsFiles;
use crate::regular;

/// Far larger than any real file.
const MAX_SIZE: usize = 1024 * 1024;

/// The engine of a docker context.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SavedContext {
    /// Its endpoint, not parsed yet.
    pub host: String,
    /// Its certificates, if it has any.
    pub tls: Option<TlsFiles>,
}

/// Why a docker context cannot be used.
#[derive(Debug, Error)]
pub enum InvalidContext {
    #[error("there is no docker context `{name}`: no {}", path.display())]
    Unknown { name: String, path: PathBuf },
    #[error("the docker context `{name}` cannot be read: {}: {reason}", path.display())]
    Unreadable { name: String, path: PathBuf, reason: io::Error },
    /// `place` is the file, with line and column if its JSON is invalid.
    #[error("the docker context `{name}` cannot be read: {place}: {problem}")]
    Malformed { name: String, place: String, problem: &'static str },
    #[error("the docker context `{name}` uses TLS without verification (SkipTLSVerify)")]
    Unchecked { name: String },
}

/// The whole file.
#[derive(Default)]
struct Content {
    /// By kind. Unlike the fields of Docker's own objects, kinds have one spelling.
    endpoints: Option<HashMap<String, Object<Engine>>>,
}

fields!(Content { "endpoints" => endpoints });

#[derive(Default)]
struct Engine {
    host: Option<String>,
    skip_verify: Option<bool>,
}

fields!(Engine { "host" => host, "skiptlsverify" => skip_verify });

impl SavedContext {
    /// Whether `folder`, Docker's own directory (`~/.docker`), has the context `name`.
    pub(super) fn exists(folder: &Path, name: &str) -> bool {
        meta(folder, &id(name)).exists()
    }

    /// Reads the context `name` in `folder`.
    pub(super) fn read(folder: &Path, name: &str) -> Result<Self, InvalidContext> {
        let id = id(name);
        let path = meta(folder, &id);
        let unreadable = |reason: io::Error| match reason.kind() {
            io::ErrorKind::NotFound => {
                InvalidContext::Unknown { name: name.to_owned(), path: path.clone() }
            }
            _ => InvalidContext::Unreadable { name: name.to_owned(), path: path.clone(), reason },
        };
        let malformed = |problem| InvalidContext::Malformed {
            name: name.to_owned(),
            place: path.display().to_string(),
            problem,
        };
        let text = regular::read(&path, MAX_SIZE).map_err(unreadable)?;
        let text = text.ok_or_else(|| malformed("larger than 1 MiB"))?;
        let content: Content = json::whole(&text).map_err(|invalid| {
            let InvalidJson { line, column, problem } = invalid;
            let place = format!("{}:{line}:{column}", path.display());
            InvalidContext::Malformed { name: name.to_owned(), place, problem }
        })?;
        let mut endpoints = content.endpoints.unwrap_or_default();
        let Object(engine) =
            endpoints.remove("docker").ok_or_else(|| malformed("it has no Docker endpoint"))?;
        if engine.skip_verify.unwrap_or_default() {
            return Err(InvalidContext::Unchecked { name: name.to_owned() });
        }
        let tls = folder.join("contexts/tls").join(&id).join("docker");
        let tls = tls.is_dir().then(|| TlsFiles::in_directory(&tls));
        Ok(Self { host: engine.host.unwrap_or_default(), tls })
    }
}

/// The directory of a context.
fn id(name: &str) -> String {
    Sha256::digest(name).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn meta(folder: &Path, id: &str) -> PathBuf {
    folder.join("contexts/meta").join(id).join("meta.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of `far`.
    const FAR: &str = "512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868";

    fn saved(meta: &str) -> (tempfile::TempDir, Result<SavedContext, InvalidContext>) {
        let folder = tempfile::tempdir().unwrap();
        for below in ["meta", "tls"] {
            let path = folder.path().join("contexts").join(below).join(FAR);
            std::fs::create_dir_all(path.join("docker")).unwrap();
        }
        std::fs::write(folder.path().join("contexts/meta").join(FAR).join("meta.json"), meta)
            .unwrap();
        let read = SavedContext::read(folder.path(), "far");
        (folder, read)
    }

    #[test]
    fn a_context_is_found_by_the_digest_of_its_name() {
        let meta = r#"{"Name": "far", "Metadata": {"Description": "x"},
            "Endpoints": {"docker": {"Host": "tcp://h:2376", "SkipTLSVerify": false}}}"#;
        let (folder, read) = saved(meta);
        let tls = folder.path().join("contexts/tls").join(FAR).join("docker");
        let expected = SavedContext {
            host: "tcp://h:2376".to_owned(),
            tls: Some(TlsFiles::in_directory(&tls)),
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn keys_of_a_context_are_read_in_any_case_of_letters() {
        for meta in [
            r#"{"endpoints": {"docker": {"host": "tcp://h:1", "skipTlsVerify": null}}}"#,
            "\u{feff}{\"ENDPOINTS\": {\"docker\": {\"HOST\": \"tcp://h:1\"}}}\n",
        ] {
            assert_eq!(saved(meta).1.unwrap().host, "tcp://h:1", "{meta}");
        }
    }

    #[test]
    fn an_unusable_context_is_refused_with_the_reason() {
        for (meta, expected) in [
            ("", "meta.json:1:1: the JSON is incomplete"),
            ("7", "meta.json:1:1: a value has the wrong type"),
            ("{} {}", "meta.json:1:4: invalid JSON"),
            ("{}", "has no Docker endpoint"),
            (r#"{"Endpoints": {"kubernetes": {}}}"#, "has no Docker endpoint"),
            (r#"{"Endpoints": {"Docker": {}}}"#, "has no Docker endpoint"),
            (r#"{"endpoints": {"docker": {"skiptlsverify": true}}}"#, "TLS without verification"),
            (r#"{"Endpoints": {"docker": {"SkipTLSVerify": true}}}"#, "TLS without verification"),
        ] {
            let error = saved(meta).1.unwrap_err().to_string();
            assert!(error.contains("`far`") && error.contains(expected), "{meta}: {error}");
        }
        let none = SavedContext::read(Path::new("/nowhere"), "../x").unwrap_err().to_string();
        assert!(none.starts_with("there is no docker context `../x`: no /nowhere/contexts/meta/"));
    }
}
