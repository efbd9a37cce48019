//! Asks a credential helper: a program that keeps logins in a keychain.
//!
//! Protocol: <https://github.com/docker/docker-credential-helpers#development>. The server goes to
//! its input, a JSON object comes from its output. A failing helper explains itself on its output
//! too; neither that nor its error output is shown, since either may hold what it keeps.

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

/// An identity token of a few KiB is the longest thing a helper says.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// The message of the helpers' common library; there is no exit code for it.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Says that the secret is an identity token and no password.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// One question to one helper; all but `server` is also what errors name.
pub(super) struct Question<'a> {
    pub program: &'a str,
    pub host: &'a str,
    pub server: &'a str,
    pub timeout: Duration,
}

/// A helper that runs, with whatever it starts: ended when this is dropped.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Shell scripts are common as helpers: killing the shell alone would leave what it waits
        // for. The group is ours as long as its leader has not been reaped.
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Question<'_> {
    /// Runs the program at `path`; no login is `None`.
    pub(super) async fn ask(&self, path: PathBuf) -> Result<Option<Login>, CredentialError> {
        tracing::debug!(target: "credentials", program = self.program, server = self.server, "asking");
        let answer = tokio::time::timeout(self.timeout, self.run(path)).await;
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
        if output.len() as u64 > LONGEST_ANSWER {
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
        let answer: Answer = serde_json::from_slice(&output)
            .map_err(|_| self.bad_answer("something else than a JSON login"))?;
        Ok(match answer {
            Answer { secret, .. } if secret.expose().is_empty() => None,
            Answer { username, secret } if username == TOKEN_USER => {
                Some(Login::IdentityToken(secret))
            }
            Answer { username, secret } => Some(Login::Password { username, password: secret }),
        })
    }

    async fn run(&self, path: PathBuf) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut child = Command::new(path)
            .arg("get")
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
            // A helper that does not read its input still has an answer.
            let _ = stdin.write_all(self.server.as_bytes()).await;
        }
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(LONGEST_ANSWER + 1).read_to_end(&mut output).await?;
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

/// The first program of that name in the folders of `path`, a value of `PATH`.
///
/// Found here and not by the system, so that "not installed" can be told from "did not start".
pub(super) fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).find_map(|folder| {
        let program = folder.join(name);
        let metadata = program.metadata().ok()?;
        (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(program)
    })
}
