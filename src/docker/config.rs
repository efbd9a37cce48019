//! Docker's config file: how to log in to registries, and which docker context is the current one.
//!
//! The file is read once and kept as it is; which login belongs to which host is decided in
//! `credentials`. Nothing of the file's content ever reaches an error: a place stands for it.
//! Format: <https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties>

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use super::credentials::{CredentialError, Secret};
use crate::error::why;
use crate::regular;

/// Far more than any real file; a login is some hundred bytes.
const LARGEST: u64 = 1024 * 1024;

/// What of Docker's config file counts here. A missing file is an empty one.
#[derive(Debug, Default)]
pub struct DockerConfig {
    pub(super) path: PathBuf,
    pub(super) auths: IndexMap<String, AuthEntry>,
    pub(super) helpers: IndexMap<String, String>,
    pub(super) store: Option<String>,
    current_context: Option<String>,
}

/// One entry of `auths`; empty where a helper keeps the login.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct AuthEntry {
    /// Base64 of `user:password`.
    pub auth: Option<Secret>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    #[serde(rename = "identitytoken")]
    pub identity_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Content {
    auths: Option<IndexMap<String, Option<AuthEntry>>>,
    #[serde(rename = "credHelpers")]
    helpers: Option<IndexMap<String, String>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

/// Where the config file is, given the values of `DOCKER_CONFIG` and `HOME`.
pub fn config_path(docker_config: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let set = |value: Option<&OsStr>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = set(docker_config).or_else(|| set(home).map(|home| home.join(".docker")))?;
    Some(folder.join("config.json"))
}

impl DockerConfig {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, CredentialError> {
        let unreadable = |error: io::Error| CredentialError::UnreadableConfig {
            path: path.to_owned(),
            reason: why(&error),
        };
        let file = match regular::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), ..Self::default() });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut text = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LARGEST {
            return Err(CredentialError::UnreadableConfig {
                path: path.to_owned(),
                reason: "larger than 1 MiB".to_owned(),
            });
        }
        Self::parse(path, &text)
    }

    /// Reads the file's text; `path` is for errors alone.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, CredentialError> {
        // serde_json's own sentence quotes the value it stumbled over, which may be a password.
        let content: Content = serde_json::from_slice(text).map_err(|error| {
            let problem = match error.classify() {
                serde_json::error::Category::Data => "a value is not of the type Docker writes",
                serde_json::error::Category::Eof => "the JSON ends too early",
                _ => "this is not JSON",
            };
            CredentialError::MalformedConfig {
                path: path.to_owned(),
                line: error.line(),
                column: error.column(),
                problem,
            }
        })?;
        let entries = content.auths.unwrap_or_default().into_iter();
        Ok(Self {
            path: path.to_owned(),
            auths: entries.map(|(key, entry)| (key, entry.unwrap_or_default())).collect(),
            helpers: content.helpers.unwrap_or_default(),
            store: content.store.filter(|name| !name.is_empty()),
            current_context: content.current_context,
        })
    }

    /// The docker context that `docker context use` chose; may be empty.
    pub(super) fn current_context(&self) -> Option<&str> {
        self.current_context.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_config_goes_before_home_and_empty_counts_as_unset() {
        let path = |config: Option<&str>, home: Option<&str>| {
            config_path(config.map(OsStr::new), home.map(OsStr::new))
        };
        assert_eq!(path(Some("/c"), Some("/h")), Some("/c/config.json".into()));
        assert_eq!(path(Some(""), Some("/h")), Some("/h/.docker/config.json".into()));
        assert_eq!(path(None, None), None);
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let config = DockerConfig::read(&folder.path().join("config.json")).unwrap();
        assert!(config.auths.is_empty() && config.helpers.is_empty() && config.store.is_none());
    }

    #[test]
    fn a_huge_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        for (size, is_refused) in [(LARGEST, false), (LARGEST + 1, true)] {
            let padding = " ".repeat(usize::try_from(size).unwrap() - 2);
            std::fs::write(&path, format!("{{}}{padding}")).unwrap();
            let error = DockerConfig::read(&path).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), is_refused, "{error:?}");
            assert!(error.is_none_or(|error| error.contains("larger than 1 MiB")));
        }
    }

    #[test]
    fn a_malformed_file_is_placed_and_never_quoted() {
        for (text, expected) in [
            ("{\n  \"auths\": {\"a\": {\"auth\": canary-7f3a}}", "c.json:2:27: this is not JSON"),
            ("{\"auths\": \"canary-7f3a\"}", "c.json:1:23: a value is not of the type"),
            ("{\"auths\": {\"a\": {\"password\": 7}}}", "c.json:1:30: a value is not of the type"),
            ("{\"auths\": {", "c.json:1:11: the JSON ends too early"),
            ("", "c.json:1:0: the JSON ends too early"),
        ] {
            let error = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with(expected), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = DockerConfig::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is a directory"), "{error}");
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn what_docker_writes_beside_logins_is_passed_over() {
        let text = r#"{"auths": {"a.example": null, "b.example": {}}, "currentContext": "x",
            "credsStore": "", "HttpHeaders": {"A": "b"}, "psFormat": "table"}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        assert_eq!(config.auths.len(), 2);
        assert_eq!(config.store, None);
    }
}
