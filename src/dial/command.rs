//! A byte stream through a command, such as `ssh` or `kubectl`, that relays between its stdin and
//! stdout and an engine.

use std::io;
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::error::why;

/// How much of the stderr of a command is kept.
pub(crate) const MAX_STDERR: usize = 2048;

/// The reason for a command that does not exist.
pub(crate) const NOT_IN_PATH: &str = "is not installed: no directory of PATH has it";

/// A command and its arguments. No shell is involved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub program: &'static str,
    pub arguments: Vec<String>,
}

impl CommandLine {
    /// Starts it. A failure to connect shows on the first read.
    pub(super) fn start(&self) -> io::Result<CommandStream> {
        let program = self.program;
        let mut child = Command::new(program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C must not reach it: onebuild needs the connection to cancel the build.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let said = match error.kind() {
                    io::ErrorKind::NotFound => format!("{program} {NOT_IN_PATH}"),
                    _ => format!("{program} cannot be started: {}", why(&error)),
                };
                io::Error::new(error.kind(), said)
            })?;
        tracing::debug!(target: "docker", program, "started");
        let missing = || io::Error::other(format!("{program} has no pipes"));
        Ok(CommandStream {
            program,
            stdin: child.stdin.take().ok_or_else(missing)?,
            stdout: child.stdout.take().ok_or_else(missing)?,
            complaint: Some(tokio::spawn(complaint(child.stderr.take().ok_or_else(missing)?))),
            said: Vec::new(),
            heard: false,
            child,
        })
    }
}

/// Reads the whole stderr of a command, so that it never blocks, and keeps its end.
async fn complaint(mut stderr: ChildStderr) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 512];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_STDERR));
    }
    kept
}

/// The stream through a running command, which is killed when this is dropped.
pub(super) struct CommandStream {
    program: &'static str,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Resolves to stderr when the command ends; then it is in `said`.
    complaint: Option<JoinHandle<Vec<u8>>>,
    said: Vec<u8>,
    /// Whether the other side has sent anything.
    heard: bool,
    child: Child,
}

impl Drop for CommandStream {
    fn drop(&mut self) {
        // A ProxyCommand runs as a child of ssh. The process group is ours: its leader has not
        // been reaped.
        let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl CommandStream {
    /// Waits for the end of the command. One that fails has lost the connection, and says why.
    fn poll_ended_well(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let exited = ready!(pin!(self.child.wait()).poll(cx));
        Poll::Ready(exited.is_ok_and(|status| status.success()))
    }

    /// Waits for the whole stderr: it says why the command ended before the engine answered.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(complaint) = &mut self.complaint {
            self.said = ready!(Pin::new(complaint).poll(cx)).unwrap_or_default();
            self.complaint = None;
        }
        Poll::Ready(io::Error::other(CommandEnded::new(self.program, &self.said)))
    }
}

impl AsyncRead for CommandStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buf))?;
        let is_end = buf.filled().len() == before && buf.remaining() > 0;
        self.heard |= !is_end;
        if !is_end || (self.heard && ready!(self.poll_ended_well(cx))) {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(ready!(self.poll_ended(cx))))
    }
}

impl AsyncWrite for CommandStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.stdin).poll_write(cx, buf)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !self.heard => {
                Poll::Ready(Err(ready!(self.poll_ended(cx))))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}

/// A command ended before the engine answered, or lost the connection.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{program} says: {said}")]
pub(crate) struct CommandEnded {
    program: &'static str,
    said: String,
}

impl CommandEnded {
    /// `stderr` is the end of what the command wrote there.
    pub(crate) fn new(program: &'static str, stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let mut lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        // kubectl logs each attempt before it says what failed.
        if lines.iter().any(|line| !is_logged(line)) {
            lines.retain(|line| !is_logged(line));
        }
        let said: String = lines.join("; ").chars().filter(|c| !c.is_control()).collect();
        let said = match said.is_empty() {
            true => "it ended without an error message".to_owned(),
            false => said,
        };
        Self { program, said }
    }

    /// Whether sshd closed the connection before a login: it does so when too many others have not
    /// logged in yet (MaxStartups). The last line decides; a refused login says what was refused.
    pub(super) fn is_rejection(&self) -> bool {
        let last = self.said.rsplit("; ").next().unwrap_or_default();
        let closed = [
            "Connection closed by ",
            "Connection reset by ",
            "kex_exchange_identification: ",
            "ssh_exchange_identification: ",
        ];
        closed.iter().any(|words| last.starts_with(words))
            || last.ends_with(": Connection reset by peer")
    }
}

/// Whether a line has the head of a log of Kubernetes: `E1128 18:19:30.421741   15701 memcache.go:265] `.
fn is_logged(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let level = words.next().and_then(|word| word.strip_prefix(['I', 'W', 'E', 'F']));
    let is_day = |day: &str| day.len() == 4 && day.bytes().all(|c| c.is_ascii_digit());
    level.is_some_and(is_day) && words.nth(2).is_some_and(|word| word.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_kubectl_is_left_out_of_what_it_says() {
        let log = "E1128 18:19:30.421741   15701 memcache.go:265] \"Unhandled Error\"";
        let refused = "The connection to the server h:8080 was refused";
        let said = |text: &str| CommandEnded::new("kubectl", text.as_bytes()).to_string();
        assert_eq!(said(&format!("{log}\n{log}\n{refused}\n")), format!("kubectl says: {refused}"));
        assert_eq!(said(log), format!("kubectl says: {log}"));
    }

    #[test]
    fn a_rejected_connection_is_distinguished_from_a_refused_login() {
        for (said, expected) in [
            (
                "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22",
                true,
            ),
            (
                "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 10.0.0.1 port 22\r\n",
                true,
            ),
            (
                "Warning: Permanently added 'h' to the list of known hosts.\nConnection closed by 10.0.0.1 port 22",
                true,
            ),
            ("ssh_exchange_identification: read: Connection reset by peer", true),
            ("ssh: connect to host h port 22: Connection reset by peer", true),
            ("Connection closed by UNKNOWN port 65535", true),
            ("ssh: connect to host h port 22: Connection refused", false),
            ("ssh: Could not resolve hostname h: Name or service not known", false),
            ("me@h: Permission denied (publickey).", false),
            ("Host key verification failed.", false),
            (
                "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\nDisconnected from 10.0.0.1 port 22",
                false,
            ),
            ("bash: line 1: docker: command not found", false),
            ("", false),
        ] {
            let ended = CommandEnded::new("ssh", said.as_bytes());
            assert_eq!(ended.is_rejection(), expected, "{said}");
        }
    }

    #[tokio::test]
    async fn a_command_that_fails_in_the_middle_says_why() {
        for (script, expected) in [
            ("printf x; echo 'warning: new host' >&2", None),
            (
                "printf x; echo 'Connection to h closed by remote host.' >&2; exit 255",
                Some("sh says: Connection to h closed by remote host."),
            ),
        ] {
            let arguments = ["-c", script].map(str::to_owned).to_vec();
            let mut stream = CommandLine { program: "sh", arguments }.start().unwrap();
            let mut all = Vec::new();
            let read = stream.read_to_end(&mut all).await;
            assert_eq!(all, b"x");
            assert_eq!(read.err().map(|error| error.to_string()).as_deref(), expected);
        }
    }
}
