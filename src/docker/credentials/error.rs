//! Why a login could not be looked up.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// A variable with logins, which come before those of Docker's config file.
pub(crate) const AUTH_VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// Why a login could not be looked up. Cheap to clone, because it may be reported for every cell of
/// a run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CredentialError {
    #[error("cannot read Docker's config file {}: {reason}", path.display())]
    UnreadableConfig { path: PathBuf, reason: String },
    #[error("{}:{line}:{column}: {problem}", path.display())]
    MalformedConfig { path: PathBuf, line: usize, column: usize, problem: &'static str },
    /// The reason starts with the place in the file if its JSON is invalid.
    #[error("Docker's config file {} was not changed: {reason}", path.display())]
    ConfigUnchanged { path: PathBuf, reason: String },
    #[error("DOCKER_AUTH_CONFIG:{line}:{column}: {problem}")]
    MalformedVariable { line: usize, column: usize, problem: &'static str },
    /// `key` is the registry as it is written there; `origin` is the file or the variable.
    #[error("the login for {key} in {origin} is not base64 of user:password")]
    MalformedLogin { key: String, origin: String },
    #[error("`{name}` in `HttpHeaders` of {} is not a valid header", path.display())]
    MalformedHeader { name: String, path: PathBuf },
    #[error("the credential helper that {} names for {host} is not a plain name", path.display())]
    HelperName { host: String, path: PathBuf },
    #[error("the credential helper {program}, which {} names for {host}, is not on the PATH", path.display())]
    HelperMissing { program: String, host: String, path: PathBuf },
    #[error("the credential helper {program} could not be started for {host}: {reason}")]
    HelperNotStarted { program: String, host: String, reason: String },
    #[error("the credential helper {program} did not answer for {host} within {}", seconds(.after))]
    HelperTimeout { program: String, host: String, after: Duration },
    #[error("the credential helper {program} failed for {host}: {status}")]
    HelperFailed { program: String, host: String, status: String },
    #[error("the credential helper {program} returned {problem} for {host}")]
    HelperAnswer { program: String, host: String, problem: &'static str },
}

impl CredentialError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::UnreadableConfig { .. } => {
                "make the file readable, or set DOCKER_CONFIG to another directory".to_owned()
            }
            Self::ConfigUnchanged { .. } => {
                "fix the file, or set DOCKER_CONFIG to a directory that can be written".to_owned()
            }
            Self::MalformedConfig { .. } => {
                "fix the file, or move it away and run `docker login` again".to_owned()
            }
            Self::MalformedVariable { .. } => {
                "set it to JSON such as {\"auths\": {\"ghcr.io\": {\"auth\": \"…\"}}}, not to a path"
                    .to_owned()
            }
            Self::MalformedLogin { origin, .. } if origin == AUTH_VARIABLE => {
                "`auth` must be the base64 of user:password".to_owned()
            }
            Self::MalformedLogin { key, .. } => format!("run `docker login {key}` again"),
            Self::MalformedHeader { .. } => "fix the header, or remove it".to_owned(),
            Self::HelperName { .. } => {
                "write only the part after `docker-credential-`, such as `pass`".to_owned()
            }
            Self::HelperMissing { program, .. } => {
                format!("install {program}, or remove it from `credsStore` and `credHelpers`")
            }
            Self::HelperNotStarted { .. }
            | Self::HelperTimeout { .. }
            | Self::HelperFailed { .. }
            | Self::HelperAnswer { .. } => {
                "check that the helper's keychain is unlocked; `docker login` uses the same helper"
                    .to_owned()
            }
        }
    }
}

fn seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}
