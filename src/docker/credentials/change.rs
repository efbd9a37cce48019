//! Stores and erases a login, as `docker login` and `docker logout` do: with the helper of the host,
//! or in Docker's config file.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::error::CredentialError;
use super::helper::Question;
use super::secret::Secret;
use super::{Credentials, host};
use crate::docker::stored::{self, Unchanged};

/// Where a login is stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// In this file, unencrypted.
    File(PathBuf),
    /// By this program.
    Helper(String),
}

impl Credentials {
    /// Stores a login for `host`, and returns where.
    pub(crate) async fn store(
        &self,
        host: &str,
        username: &str,
        password: &Secret,
    ) -> Result<Stored, CredentialError> {
        let host = host::canonical(host);
        let server = host::server(&host);
        let unchanged = |error: Unchanged| self.unchanged(&error);
        if let Some((program, file)) = self.helper(&host)? {
            let login =
                json!({ "ServerURL": server, "Username": username, "Secret": password.expose() });
            self.question(&program, &host, server).store(file, &login.to_string()).await?;
            // Docker lists the registries whose logins a helper has.
            stored::set(&self.config.path, server, None).map_err(unchanged)?;
            return Ok(Stored::Helper(program));
        }
        let auth = STANDARD.encode(format!("{username}:{}", password.expose()));
        stored::set(&self.config.path, server, Some(&auth)).map_err(unchanged)?;
        Ok(Stored::File(self.config.path.clone()))
    }

    /// Erases the login for `host`. Returns whether there was one.
    pub(crate) async fn erase(&self, host: &str) -> Result<bool, CredentialError> {
        let host = host::canonical(host);
        let server = host::server(&host);
        let mut is_erased = false;
        if let Some((program, file)) = self.helper(&host)? {
            is_erased = self.question(&program, &host, server).erase(file).await?;
        }
        let removed = stored::remove(&self.config.path, |key| host::is_key_of(key, &host));
        Ok(removed.map_err(|error| self.unchanged(&error))? || is_erased)
    }

    /// Whether the variable `DOCKER_AUTH_CONFIG` has a login for `host`, which comes first.
    pub(crate) fn is_given(&self, host: &str) -> bool {
        host::find(&self.config.given, &host::canonical(host)).is_some()
    }

    fn question<'a>(&self, program: &'a str, host: &'a str, server: &'a str) -> Question<'a> {
        Question { program, host, server, timeout: self.timeout }
    }

    fn unchanged(&self, error: &Unchanged) -> CredentialError {
        CredentialError::ConfigUnchanged {
            path: self.config.path.clone(),
            reason: error.to_string(),
        }
    }
}
