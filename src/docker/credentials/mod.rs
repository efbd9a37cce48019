//! Registry logins: looked up by exact host, as Docker does, each at most once per run.
//!
//! A host's login comes from one source: `DOCKER_AUTH_CONFIG`, else its helper in `credHelpers`,
//! else the `credsStore`, else `auths` in the file. As in Docker, there is no fallback if the store
//! does not have it. Logins stay in memory; this module only returns them to the caller.

mod change;
mod error;
mod helper;
mod host;
mod login;
mod secret;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use tokio::sync::OnceCell;

use super::config::{AuthEntry, DockerConfig};
use crate::debug;
use helper::{Question, find_program};

pub(crate) use change::Stored;
pub(crate) use error::{AUTH_VARIABLE, CredentialError};
pub(crate) use login::Login;
pub(crate) use secret::Secret;

/// Some keychains prompt the user. With a longer timeout, the build would seem to hang.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);

/// As in Go, the unused bits of the last character may have any value.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

type Answer = Result<Option<Login>, CredentialError>;

/// The logins of this machine, looked up by host.
#[derive(Debug)]
pub struct Credentials {
    config: DockerConfig,
    /// Those of the proxies.
    passwords: Vec<Secret>,
    search_path: OsString,
    timeout: Duration,
    answers: Mutex<HashMap<String, Arc<OnceCell<Answer>>>>,
}

impl Credentials {
    /// Uses the logins of `config`, and searches for helpers in `search_path`, a value of `PATH`.
    pub fn new(config: DockerConfig, search_path: &OsStr) -> Self {
        Self {
            passwords: config.proxy_passwords(),
            config,
            search_path: search_path.to_owned(),
            timeout: HELPER_TIMEOUT,
            answers: Mutex::default(),
        }
    }

    #[cfg(test)]
    /// No login for any host.
    pub fn none() -> Self {
        Self::new(DockerConfig::default(), OsStr::new(""))
    }

    /// The login for a registry host, which includes its port if it has one.
    ///
    /// `docker.io`, `index.docker.io` and `registry-1.docker.io` are one registry. Results are
    /// cached, including errors: a helper runs once per host and run, even if several tasks ask at
    /// the same time.
    pub async fn lookup(&self, host: &str) -> Result<Option<Login>, CredentialError> {
        let host = host::canonical(host);
        let cell = {
            let mut answers = self.answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            Arc::clone(answers.entry(host.clone()).or_default())
        };
        cell.get_or_init(|| logged(&host, self.find(&host))).await.clone()
    }

    /// `text` without the logins that were looked up so far, and without the passwords of proxies;
    /// `None` if it contains none of them.
    /// Secrets shorter than four characters are ignored, because they occur in too many unrelated
    /// words.
    pub fn redacted(&self, text: &str) -> Option<String> {
        const MIN_SECRET: usize = 4;
        let passwords = self.passwords.iter().map(|password| password.expose().to_owned());
        let mut secrets: Vec<String> = passwords.collect();
        for answer in self.answers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            match answer.get() {
                Some(Ok(Some(Login::Password { username, password }))) => {
                    let password = password.expose();
                    secrets.push(STANDARD.encode(format!("{username}:{password}")));
                    secrets.push(password.to_owned());
                }
                Some(Ok(Some(Login::IdentityToken(token)))) => {
                    secrets.push(token.expose().to_owned());
                }
                Some(Ok(None) | Err(_)) | None => {}
            }
        }
        secrets.retain(|secret| secret.len() >= MIN_SECRET && text.contains(secret.as_str()));
        // One secret may be part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let redact = |text: String, secret: &String| text.replace(secret.as_str(), "[redacted]");
        (!secrets.is_empty()).then(|| secrets.iter().fold(text.to_owned(), redact))
    }

    /// Why a login for `host` may exist although none was found: something could not be read. This
    /// matters only if the registry wants a login.
    pub fn unreadable(&self, host: &str) -> Option<&CredentialError> {
        let host = host::canonical(host);
        self.config.problems.iter().find(|problem| match problem {
            CredentialError::MalformedLogin { key, .. } => host::is_key_of(key, &host),
            _ => true,
        })
    }

    async fn find(&self, host: &str) -> Answer {
        let login_in = |entries| {
            let entry: Option<&AuthEntry> = host::find(entries, host);
            // A malformed entry has been reported.
            entry.and_then(|entry| entry.login().ok().flatten())
        };
        if let Some(login) = login_in(&self.config.given) {
            return Ok(Some(login));
        }
        let Some((program, file)) = self.helper(host)? else {
            return Ok(login_in(&self.config.auths));
        };
        let server = host::server(host);
        Question { program: &program, host, server, timeout: self.timeout }.ask(file).await
    }

    /// The helper of a canonical host: its name and its path.
    fn helper(&self, host: &str) -> Result<Option<(String, PathBuf)>, CredentialError> {
        let of_host = host::find(&self.config.helpers, host).map(String::as_str);
        let helper = of_host.or(self.config.store.as_deref()).unwrap_or_default();
        if helper.is_empty() {
            return Ok(None);
        }
        let path = self.config.path.clone();
        if !helper.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            return Err(CredentialError::HelperName { host: host.to_owned(), path });
        }
        let program = format!("docker-credential-{helper}");
        let Some(file) = find_program(&program, &self.search_path) else {
            return Err(CredentialError::HelperMissing { program, host: host.to_owned(), path });
        };
        Ok(Some((program, file)))
    }
}

/// An entry of `auths` has no valid login.
#[derive(Debug)]
pub(in crate::docker) struct Malformed;

impl AuthEntry {
    /// The login; `None` if the entry is empty.
    pub(in crate::docker) fn login(&self) -> Result<Option<Login>, Malformed> {
        let given = |secret: &Option<Secret>| secret.clone().filter(|s| !s.expose().is_empty());
        if let Some(token) = given(&self.identity_token) {
            return Ok(Some(Login::IdentityToken(token)));
        }
        if let Some(auth) = given(&self.auth) {
            return decode(&auth).map(Some).ok_or(Malformed);
        }
        let username = self.username.clone().unwrap_or_default();
        Ok(given(&self.password).map(|password| Login::Password { username, password }))
    }
}

/// Logs where a login comes from and how long the lookup took, but not the login itself.
async fn logged(host: &str, finding: impl Future<Output = Answer>) -> Answer {
    let started = Instant::now();
    let answer = finding.await;
    let found = match &answer {
        Ok(None) => "none",
        Ok(Some(Login::Password { username, password })) => {
            debug::hide(password.expose());
            debug::hide(&STANDARD.encode(format!("{username}:{}", password.expose())));
            "password"
        }
        Ok(Some(Login::IdentityToken(token))) => {
            debug::hide(token.expose());
            "identity token"
        }
        Err(_) => "error",
    };
    let error = answer.as_ref().err().map(ToString::to_string);
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(target: "credentials", host, found, ms, error, "looked up");
    answer
}

/// Decodes base64 of `user:password`. The base64 may have line breaks, as the `base64` command
/// writes them. The password may contain colons; old versions of Docker padded it with NULs.
fn decode(auth: &Secret) -> Option<Login> {
    let text: String = auth.expose().chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let text = String::from_utf8(LENIENT.decode(text).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    let password = Secret::new(password.trim_matches('\0'));
    (!username.is_empty()).then(|| Login::Password { username: username.to_owned(), password })
}
