//! Connects to an engine on another machine through `ssh`, which runs `docker system dial-stdio`
//! there. That command relays between its stdin and stdout and the engine's socket.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::SshTarget;
use crate::error::why;

/// How much of the stderr of `ssh` is kept.
const MAX_STDERR: usize = 2048;

/// Starts `ssh`. A failure to connect shows on the first read.
pub(super) fn start(target: &SshTarget) -> io::Result<SshStream> {
    let mut child = Command::new("ssh")
        .args(arguments(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C must not reach ssh: onebuild needs the connection to cancel the build.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("ssh cannot be started: {}", why(&error)))
        })?;
    tracing::debug!(target: "docker", host = target.host, port = target.port, "ssh started");
    let missing = || io::Error::other("ssh has no pipes");
    Ok(SshStream {
        stdin: child.stdin.take().ok_or_else(missing)?,
        stdout: child.stdout.take().ok_or_else(missing)?,
        complaint: Some(tokio::spawn(complaint(child.stderr.take().ok_or_else(missing)?))),
        said: String::new(),
        heard: false,
        child,
    })
}

fn arguments(target: &SshTarget) -> Vec<String> {
    // Never prompt: no one can answer during a build, and each connection would ask again.
    let mut words = vec!["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"];
    let port = target.port.map(|port| port.to_string());
    if let Some(user) = &target.user {
        words.extend(["-l", user]);
    }
    if let Some(port) = &port {
        words.extend(["-p", port]);
    }
    words.extend(["--", &target.host, "docker"]);
    let socket = target.socket.as_ref().map(|path| format!("unix://{path}"));
    if let Some(socket) = &socket {
        words.extend(["--host", socket]);
    }
    words.extend(["system", "dial-stdio"]);
    words.into_iter().map(str::to_owned).collect()
}

/// Reads the whole stderr of `ssh`, so that it never blocks, and keeps its end.
async fn complaint(mut stderr: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 512];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..count]);
        kept.drain(..kept.len().saturating_sub(MAX_STDERR));
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).collect()
}

/// The stream through a running `ssh`, which is killed when this is dropped.
pub(super) struct SshStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Resolves to stderr when `ssh` ends; then it is in `said`.
    complaint: Option<JoinHandle<String>>,
    said: String,
    /// Whether the other side has sent anything.
    heard: bool,
    child: Child,
}

impl Drop for SshStream {
    fn drop(&mut self) {
        // A ProxyCommand runs as a child of `ssh`. The process group is ours: its leader has not
        // been reaped.
        let group = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl SshStream {
    /// Waits for the whole stderr: it says why ssh ended before the engine answered.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(complaint) = &mut self.complaint {
            let said = ready!(Pin::new(complaint).poll(cx)).unwrap_or_default();
            self.said =
                if said.is_empty() { "it ended without an error message".to_owned() } else { said };
            self.complaint = None;
        }
        Poll::Ready(io::Error::other(SshEnded(self.said.clone())))
    }
}

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buf))?;
        self.heard |= buf.filled().len() > before;
        if self.heard {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(ready!(self.poll_ended(cx))))
    }
}

impl AsyncWrite for SshStream {
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

/// `ssh` ended before the engine answered.
#[derive(Debug, thiserror::Error)]
#[error("ssh says: {0}")]
pub(super) struct SshEnded(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_runs_dockers_own_relay() {
        let target = |socket: Option<&str>| SshTarget {
            user: Some("me".to_owned()),
            host: "build.example".to_owned(),
            port: Some(2222),
            socket: socket.map(str::to_owned),
        };
        let options = "-T -o BatchMode=yes -o ConnectTimeout=20 -l me -p 2222 -- build.example";
        let words = |socket| arguments(&target(socket)).join(" ");
        assert_eq!(words(None), format!("{options} docker system dial-stdio"));
        let other = "docker --host unix:///run/d.sock system dial-stdio";
        assert_eq!(words(Some("/run/d.sock")), format!("{options} {other}"));
    }
}
