//! Docker's config file: registry logins, and the current docker context.
//!
//! The file is read once and kept unchanged; `credentials` decides which login belongs to which
//! host. The content of the file never appears in an error: errors name the position instead.
//! Format: <https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties>

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;

use super::credentials::{CredentialError, Secret};
use crate::error::why;
use crate::regular;

/// Far larger than any real file; a login has a few hundred bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// The fields of Docker's config file that onebuild uses. A missing file counts as an empty one.
#[derive(Debug, Default)]
pub struct DockerConfig {
    pub(super) path: PathBuf,
    pub(super) auths: IndexMap<String, AuthEntry>,
    pub(super) helpers: IndexMap<String, String>,
    pub(super) store: Option<String>,
    current_context: Option<String>,
}

/// One entry of `auths`; empty if a credential helper keeps the login.
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

/// The path of the config file, given the values of `DOCKER_CONFIG` and `HOME`.
pub(crate) fn config_path(docker_config: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let set = |value: Option<&OsStr>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
    let directory = set(docker_config).or_else(|| set(home).map(|home| home.join(".docker")))?;
    Some(directory.join("config.json"))
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
        file.take(MAX_SIZE + 1).read_to_end(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_SIZE {
            return Err(CredentialError::UnreadableConfig {
                path: path.to_owned(),
                reason: "larger than 1 MiB".to_owned(),
            });
        }
        Self::parse(path, &text)
    }

    /// Parses the file's content; `path` is only used in errors.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, CredentialError> {
        // serde_json's own message quotes the offending value, which may be a password.
        let content: Content = serde_json::from_slice(text).map_err(|error| {
            let problem = match error.classify() {
                serde_json::error::Category::Data => "a value has the wrong type",
                serde_json::error::Category::Eof => "the JSON is incomplete",
                _ => "invalid JSON",
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

    /// The docker context that `docker context use` selected; may be empty.
    pub(super) fn current_context(&self) -> Option<&str> {
        self.current_context.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_config_overrides_home_and_empty_counts_as_unset() {
        let path = |config: Option<&str>, home: Option<&str>| {
            config_path(config.map(OsStr::new), home.map(OsStr::new))
        };
        assert_eq!(path(Some("/c"), Some("/h")), Some("/c/config.json".into()));
        assert_eq!(path(Some(""), Some("/h")), Some("/h/.docker/config.json".into()));
        assert_eq!(path(None, None), None);
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        let config = DockerConfig::read(&directory.path().join("config.json")).unwrap();
        assert!(config.auths.is_empty() && config.helpers.is_empty() && config.store.is_none());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for (size, is_refused) in [(MAX_SIZE, false), (MAX_SIZE + 1, true)] {
            let padding = " ".repeat(usize::try_from(size).unwrap() - 2);
            std::fs::write(&path, format!("{{}}{padding}")).unwrap();
            let error = DockerConfig::read(&path).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), is_refused, "{error:?}");
            assert!(error.is_none_or(|error| error.contains("larger than 1 MiB")));
        }
    }

    #[test]
    fn errors_name_the_position_in_a_malformed_file_and_never_quote_it() {
        for (text, expected) in [
            ("{\n  \"auths\": {\"a\": {\"auth\": canary-7f3a}}", "c.json:2:27: invalid JSON"),
            ("{\"auths\": \"canary-7f3a\"}", "c.json:1:23: a value has the wrong type"),
            ("{\"auths\": {\"a\": {\"password\": 7}}}", "c.json:1:30: a value has the wrong type"),
            ("{\"auths\": {", "c.json:1:11: the JSON is incomplete"),
            ("", "c.json:1:0: the JSON is incomplete"),
        ] {
            let error = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.starts_with(expected), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn a_directory_in_place_of_the_file_is_reported() {
        let directory = tempfile::tempdir().unwrap();
        let error = DockerConfig::read(directory.path()).unwrap_err().to_string();
        assert!(error.contains("is a directory"), "{error}");
        assert!(error.contains(directory.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn other_fields_of_the_file_are_ignored() {
        let text = r#"{"auths": {"a.example": null, "b.example": {}}, "currentContext": "x",
            "credsStore": "", "HttpHeaders": {"A": "b"}, "psFormat": "table"}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        assert_eq!(config.auths.len(), 2);
        assert_eq!(config.store, None);
    }
}
