//! Docker's config file and `DOCKER_AUTH_CONFIG`: registry logins, the current docker context, the
//! headers for the engine and the proxies for builds.
//!
//! They are read once and kept unchanged; `credentials` decides which login belongs to which host.
//! As in Docker, content that cannot be read is a warning, and the run goes on without it. The
//! content never appears in an error: errors name the position instead. Format:
//! <https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties>

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::credentials::{AUTH_VARIABLE, CredentialError, Secret};
use super::endpoint::Endpoint;
use super::headers::ApiHeaders;
use super::json::{self, Object, fields};
use super::proxies::{PassedProxies, ProxyEntry};
use crate::error::why;
use crate::regular;

/// Far larger than any real file; a login has a few hundred bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// The fields of Docker's config file that onebuild uses, and the logins of `DOCKER_AUTH_CONFIG`. A
/// missing or empty file counts as one without fields.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    pub(super) path: PathBuf,
    pub(super) auths: IndexMap<String, AuthEntry>,
    /// The logins of `DOCKER_AUTH_CONFIG`.
    pub(super) given: IndexMap<String, AuthEntry>,
    pub(super) helpers: IndexMap<String, String>,
    pub(super) store: Option<String>,
    current_context: Option<String>,
    headers: ApiHeaders,
    /// By endpoint, or `default`.
    proxies: IndexMap<String, ProxyEntry>,
    /// What could not be read.
    pub(super) problems: Vec<CredentialError>,
}

/// One entry of `auths`; empty if a credential helper keeps the login.
#[derive(Debug, Clone, Default)]
pub(super) struct AuthEntry {
    /// Base64 of `user:password`.
    pub auth: Option<Secret>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub identity_token: Option<Secret>,
}

fields!(AuthEntry {
    "auth" => auth,
    "username" => username,
    "password" => password,
    "identitytoken" => identity_token,
});

#[derive(Default)]
struct Content {
    auths: Option<IndexMap<String, Object<AuthEntry>>>,
    helpers: Option<IndexMap<String, Option<String>>>,
    store: Option<String>,
    current_context: Option<String>,
    headers: Option<IndexMap<String, Option<String>>>,
    proxies: Option<IndexMap<String, Object<ProxyEntry>>>,
}

fields!(Content {
    "auths" => auths,
    "credhelpers" => helpers,
    "credsstore" => store,
    "currentcontext" => current_context,
    "httpheaders" => headers,
    "proxies" => proxies,
});

/// The path of the config file, given the values of `DOCKER_CONFIG` and `HOME`.
pub(crate) fn config_path(docker_config: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    let set = |value: Option<&OsStr>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
    let directory = set(docker_config).or_else(|| set(home).map(|home| home.join(".docker")))?;
    Some(directory.join("config.json"))
}

impl DockerConfig {
    /// Reads the file at `path`. If that fails, the reason is among [`Self::problems`].
    pub fn read(path: &Path) -> Self {
        let unreadable =
            |reason: String| CredentialError::UnreadableConfig { path: path.to_owned(), reason };
        let parsed = match regular::read(path, MAX_SIZE) {
            Ok(Some(text)) => Self::parse(path, &text),
            Ok(None) => Err(unreadable("larger than 1 MiB".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::parse(path, b""),
            Err(error) => Err(unreadable(why(&error))),
        };
        parsed.unwrap_or_else(|problem| Self {
            path: path.to_owned(),
            problems: vec![problem],
            ..Self::default()
        })
    }

    /// Parses the file's content; `path` is only used in errors.
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, CredentialError> {
        let content: Content =
            json::first(text).map_err(|invalid| CredentialError::MalformedConfig {
                path: path.to_owned(),
                line: invalid.line,
                column: invalid.column,
                problem: invalid.problem,
            })?;
        let auths = values(content.auths);
        let helpers = content.helpers.unwrap_or_default().into_iter();
        let mut problems = malformed(&auths, &path.display().to_string());
        let mut headers = ApiHeaders::default();
        for (name, value) in content.headers.unwrap_or_default() {
            if !headers.add(&name, &value.unwrap_or_default()) {
                problems.push(CredentialError::MalformedHeader { name, path: path.to_owned() });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            auths,
            given: IndexMap::new(),
            helpers: helpers.map(|(key, name)| (key, name.unwrap_or_default())).collect(),
            store: content.store.filter(|name| !name.is_empty()),
            current_context: content.current_context,
            headers,
            proxies: values(content.proxies),
            problems,
        })
    }

    /// Adds the logins of `DOCKER_AUTH_CONFIG`, given its value.
    #[must_use]
    pub fn with_logins_of_variable(mut self, value: &OsStr) -> Self {
        match json::first::<Content>(value.as_encoded_bytes()) {
            Ok(content) => {
                self.given = values(content.auths);
                self.problems.extend(malformed(&self.given, AUTH_VARIABLE));
            }
            Err(invalid) => self.problems.push(CredentialError::MalformedVariable {
                line: invalid.line,
                column: invalid.column,
                problem: invalid.problem,
            }),
        }
        self
    }

    /// Only this login.
    pub(crate) fn of_login(host: &str, username: &str, password: &Secret) -> Self {
        let (username, password) = (Some(username.to_owned()), Some(password.clone()));
        let entry = AuthEntry { username, password, ..AuthEntry::default() };
        Self { given: [(host.to_owned(), entry)].into(), ..Self::default() }
    }

    /// What could not be read.
    pub(crate) fn problems(&self) -> &[CredentialError] {
        &self.problems
    }

    /// The proxies that Docker passes to steps and containers of the engine at `endpoint`.
    pub fn proxies(&self, endpoint: Option<&Endpoint>) -> PassedProxies {
        let is_it = |key: &str| key.parse::<Endpoint>().is_ok_and(|known| Some(&known) == endpoint);
        let own = self.proxies.iter().find_map(|(key, entry)| is_it(key).then_some(entry));
        own.or_else(|| self.proxies.get("default")).map(ProxyEntry::passed).unwrap_or_default()
    }

    /// The passwords of all proxies.
    pub(crate) fn proxy_passwords(&self) -> Vec<Secret> {
        let passed = self.proxies.values().map(ProxyEntry::passed);
        passed.flat_map(|one| one.passwords().collect::<Vec<_>>()).collect()
    }

    /// The headers of every request to the engine.
    pub fn headers(&self) -> &ApiHeaders {
        &self.headers
    }

    /// The docker context that `docker context use` selected; may be empty.
    pub(crate) fn current_context(&self) -> Option<&str> {
        self.current_context.as_deref()
    }
}

fn values<T>(found: Option<IndexMap<String, Object<T>>>) -> IndexMap<String, T> {
    found.unwrap_or_default().into_iter().map(|(key, Object(entry))| (key, entry)).collect()
}

/// The entries that are not a login.
fn malformed(entries: &IndexMap<String, AuthEntry>, origin: &str) -> Vec<CredentialError> {
    let wrong = entries.iter().filter(|(_, entry)| entry.login().is_err());
    let wrong = wrong.map(|(key, _)| CredentialError::MalformedLogin {
        key: key.clone(),
        origin: origin.to_owned(),
    });
    wrong.collect()
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
        let config = DockerConfig::read(&directory.path().join("config.json"));
        assert!(config.problems.is_empty());
        assert!(config.auths.is_empty() && config.helpers.is_empty() && config.store.is_none());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        for (size, is_refused) in [(MAX_SIZE, false), (MAX_SIZE + 1, true)] {
            let padding = " ".repeat(size - 2);
            std::fs::write(&path, format!("{{}}{padding}")).unwrap();
            let error = DockerConfig::read(&path).problems.first().map(ToString::to_string);
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
        let error = DockerConfig::read(directory.path()).problems[0].to_string();
        assert!(error.contains("is a directory"), "{error}");
        assert!(error.contains(directory.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn other_fields_of_the_file_are_ignored() {
        let text = r#"{"auths": {"a.example": null, "b.example": {}}, "currentContext": "x",
            "credsStore": "", "detachKeys": {"A": "b"}, "psFormat": "table"}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        assert_eq!(config.auths.len(), 2);
        assert_eq!(config.store, None);
    }

    #[test]
    fn headers_of_the_engine_are_read_and_their_values_never_shown() {
        let text = r#"{"httpheaders": {"X-Login": "canary-7f3a", "User-Agent": null, "a b": "canary",
            "X-Line": "canary\nx"}}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        let mut request = hyper::HeaderMap::new();
        request.insert("user-agent", "own".parse().unwrap());
        config.headers().complete(&mut request);
        assert_eq!((request.len(), request["user-agent"].as_bytes()), (2, &b"own"[..]));
        assert_eq!(request["x-login"], "canary-7f3a");
        let problems: Vec<String> = config.problems.iter().map(ToString::to_string).collect();
        let wrong = |name| format!("`{name}` in `HttpHeaders` of c.json is not a valid header");
        assert_eq!(problems, ["a b", "X-Line"].map(wrong));
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn an_empty_file_is_one_without_fields() {
        for text in ["", "\n", " \t\r\n", "\u{feff}", "null", "{}", "{} // and more"] {
            let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
            assert!(config.auths.is_empty() && config.problems.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn keys_are_read_in_any_case_of_letters() {
        let text = r#"{"AUTHS": {"a.example": {"Auth": "dTpw", "IdentityToken": "t"}},
            "credsstore": "x", "CredHelpers": {"b.example": "y"}, "currentcontext": "far"}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        assert!(config.auths["a.example"].identity_token.is_some());
        assert_eq!(config.store.as_deref(), Some("x"));
        assert_eq!(config.helpers["b.example"], "y");
        assert_eq!(config.current_context(), Some("far"));
    }

    #[test]
    fn an_invalid_variable_is_named_and_not_quoted() {
        for (value, expected) in [
            ("", None),
            (" \n", None),
            (r#"{"auths": {"a": {"auth": "dTpw"}}, "credsStore": "x"}"#, None),
            ("/builds/canary-7f3a.json", Some("DOCKER_AUTH_CONFIG:1:1: invalid JSON")),
            (r#"{"auths": "canary-7f3a"}"#, Some("DOCKER_AUTH_CONFIG:1:23: a value has the")),
            (
                r#"{"auths": {"a": {"auth": "canary-7f3a"}}}"#,
                Some("the login for a in DOCKER_AUTH_CONFIG is not base64"),
            ),
        ] {
            let config = DockerConfig::default().with_logins_of_variable(OsStr::new(value));
            let shown = format!(
                "{config:?} {}",
                config.problems.first().map_or_else(String::new, ToString::to_string)
            );
            assert!(!shown.contains("canary"), "{shown}");
            assert!(shown.contains(expected.unwrap_or_default()), "{shown}");
            assert_eq!(config.problems.is_empty(), expected.is_none(), "{value}");
            // The store of the variable is not used: Docker does not either.
            assert_eq!(config.store, None);
        }
    }

    #[test]
    fn the_proxies_are_those_of_the_engine_or_the_default_ones() {
        let text = r#"{"Proxies": {
            "default": {"httpProxy": "http://a.example", "NOPROXY": "x", "ftpProxy": ""},
            "tcp://build.example:2375/": {"allProxy": "http://b.example"},
            "unix:///run/c.sock": {}}}"#;
        let config = DockerConfig::parse(Path::new("c.json"), text.as_bytes()).unwrap();
        for (endpoint, expected) in [
            ("unix:///var/run/docker.sock", &["HTTP_PROXY=http://a.example", "NO_PROXY=x"][..]),
            ("tcp://build.example", &["ALL_PROXY=http://b.example"]),
            ("unix:///run/c.sock", &[]),
        ] {
            let passed = config.proxies(Some(&endpoint.parse().unwrap()));
            let found = passed.build_args([]).map(|(name, value)| format!("{name}={value}"));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{endpoint}");
        }
    }
}
