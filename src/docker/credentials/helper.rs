//! Runs a credential helper: a program that keeps logins in a keychain.
//!
//! Protocol: <https://github.com/docker/docker-credential-helpers#development>. The server is
//! written to the helper's stdin; its stdout is a JSON object. A failing helper writes its reason
//! to stdout too. Neither stdout nor stderr is shown, because both may contain secrets.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::error::CredentialError;
use super::login::Login;
use super::secret::Secret;

/// The longest answers are identity tokens of a few KiB.
const MAX_ANSWER: u64 = 64 * 1024;

/// The message of the helpers' common library; no exit code identifies this case.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that marks the secret as an identity token instead of a password.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// One request to a helper. Errors name all fields but `server`.
pub(super) struct Question<'a> {
    pub program: &'a str,
    pub host: &'a str,
    pub server: &'a str,
    pub timeout: Duration,
}

/// A running helper and its child processes; they are killed when this is dropped.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Many helpers are shell scripts: killing only the shell would leave its children running.
        // The process group is ours until its leader is reaped.
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Question<'_> {
    /// The login that the program at `path` has for the server.
    pub(super) async fn ask(&self, path: PathBuf) -> Result<Option<Login>, CredentialError> {
        let Some(output) = self.output(path, "get", self.server).await? else { return Ok(None) };
        let answer: Answer =
            serde_json::from_slice(&output).map_err(|_| self.bad_answer("invalid JSON"))?;
        Ok(match answer {
            Answer { secret, .. } if secret.expose().is_empty() => None,
            Answer { username, secret } if username == TOKEN_USER => {
                Some(Login::IdentityToken(secret))
            }
            Answer { username, secret } => Some(Login::Password { username, password: secret }),
        })
    }

    /// Stores `login`, a JSON object with a server, a user name and a secret.
    pub(super) async fn store(&self, path: PathBuf, login: &str) -> Result<(), CredentialError> {
        self.output(path, "store", login).await.map(drop)
    }

    /// Erases the login; returns false if there is none.
    pub(super) async fn erase(&self, path: PathBuf) -> Result<bool, CredentialError> {
        Ok(self.output(path, "erase", self.server).await?.is_some())
    }

    /// The output of the program for a request; `None` if it has no login for the server.
    async fn output(
        &self,
        path: PathBuf,
        request: &str,
        input: &str,
    ) -> Result<Option<Vec<u8>>, CredentialError> {
        tracing::debug!(target: "credentials", program = self.program, server = self.server, request, "asking");
        let answer = tokio::time::timeout(self.timeout, self.run(path, request, input)).await;
        let (status, output) = answer
            .map_err(|_| CredentialError::HelperTimeout {
                program: self.program.to_owned(),
                host: self.host.to_owned(),
                after: self.timeout,
            })?
            .map_err(|error| CredentialError::HelperNotStarted {
                program: self.program.to_owned(),
                host: self.host.to_owned(),
                reason: error.kind().to_string(),
            })?;
        if output.len() as u64 > MAX_ANSWER {
            return Err(self.bad_answer("more than 64 KiB"));
        }
        if !status.success() {
            let said = String::from_utf8_lossy(&output);
            if said.trim() == NOT_FOUND {
                return Ok(None);
            }
            return Err(CredentialError::HelperFailed {
                program: self.program.to_owned(),
                host: self.host.to_owned(),
                status: status.to_string(),
            });
        }
        Ok(Some(output))
    }

    async fn run(
        &self,
        path: PathBuf,
        request: &str,
        input: &str,
    ) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut child = Command::new(path)
            .arg(request)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let group = child.id().and_then(|id| Pid::from_raw(id as i32));
        let mut running = Running { child, group };
        if let Some(mut stdin) = stdin {
            // A helper that does not read its stdin can still answer.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(MAX_ANSWER + 1).read_to_end(&mut output).await?;
        }
        let status = running.child.wait().await?;
        running.group = None;
        Ok((status, output))
    }

    fn bad_answer(&self, problem: &'static str) -> CredentialError {
        CredentialError::HelperAnswer {
            program: self.program.to_owned(),
            host: self.host.to_owned(),
            problem,
        }
    }
}

/// The first program of that name in the directories of `path`, a value of `PATH`.
///
/// onebuild searches the PATH itself, so that "not installed" and "did not start" are different
/// errors.
pub(super) fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).filter(|directory| directory.is_absolute()).find_map(|directory| {
        let program = directory.join(name);
        let metadata = program.metadata().ok()?;
        (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(program)
    })
}
