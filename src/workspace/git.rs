//! Facts about the sources, from Git and the environment. This runs Git itself, because only Git knows
//! all possible layouts of a work tree.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Error, ErrorKind};
use crate::matrix::Facts;

/// The top of the work tree that contains a directory. `.git` is a file in linked work trees and
/// submodules.
pub(crate) fn top(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|path| path.join(".git").symlink_metadata().is_ok())
}

/// What Git says about a work tree.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) facts: Facts,
    /// The command that makes Git trust the repository, if it does not read it because it belongs to
    /// another user.
    pub(crate) trust: Option<String>,
}

/// The facts about the work tree that contains `folder`. Without Git, or outside a work tree, there is no
/// revision.
pub(crate) fn facts(folder: &Path) -> Result<Found, Error> {
    let log = match git(folder, &["log", "-1", "--format=%H %ct"])? {
        Answer::Said(text) => Some(text),
        Answer::Untrusted(command) => {
            return Ok(Found { facts: Facts::default(), trust: Some(command) });
        }
        Answer::Nothing => None,
    };
    let (revision, committed) = match log.as_deref().and_then(|line| line.split_once(' ')) {
        Some((revision, seconds)) => (Some(revision.to_owned()), seconds.parse().ok()),
        None => (None, None),
    };
    let changed = match &revision {
        Some(_) => git(folder, &["status", "--porcelain", "--untracked-files=no"])?.said(),
        None => None,
    };
    let facts = Facts {
        is_dirty: changed.is_some_and(|changed| !changed.is_empty()),
        // Not `git remote get-url`: it expands `insteadOf`, which may add credentials.
        remote: git(folder, &["config", "--get", "remote.origin.url"])?.said(),
        revision,
        committed,
    };
    Ok(Found { facts, trust: None })
}

/// What a Git command answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It succeeded.
    Said(String),
    /// It refused to read the repository; the command that Git suggests.
    Untrusted(String),
    Nothing,
}

impl Answer {
    fn said(self) -> Option<String> {
        match self {
            Self::Said(text) => Some(text),
            Self::Untrusted(_) | Self::Nothing => None,
        }
    }

    /// What a command that failed with these words means.
    ///
    /// Source: <https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory>
    fn of_failure(stderr: &[u8]) -> Self {
        const SUGGESTED: &str = "git config --global --add safe.directory ";
        let text = String::from_utf8_lossy(stderr);
        let command = text.lines().map(str::trim).find(|line| line.starts_with(SUGGESTED));
        command.map_or(Self::Nothing, |command| Self::Untrusted(command.to_owned()))
    }
}

/// Timeout of one Git command. `git status` may read a large work tree on a slow disk.
const GIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The answer of a Git command.
fn git(folder: &Path, arguments: &[&str]) -> Result<Answer, Error> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        // Do not run programs that the repository configures.
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager"])
        .args(arguments)
        // Its messages are read.
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0");
    within(command, GIT_TIMEOUT).map_err(|Late| {
        let (what, seconds) = (arguments[0], GIT_TIMEOUT.as_secs());
        let message =
            format!("`git {what}` in {} did not end within {seconds} s", folder.display());
        let help =
            "check whether it waits for a network file system or for a program in Git's configuration";
        Error::new(ErrorKind::Environment, message).help(help)
    })
}

/// A command took too long.
#[derive(Debug)]
struct Late;

/// The answer of `command`, if it ends within `limit`. After that it is killed together with its
/// child processes.
fn within(mut command: Command, limit: Duration) -> Result<Answer, Late> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let Ok(child) = command.spawn() else { return Ok(Answer::Nothing) };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, ended) = channel();
    std::thread::spawn(move || drop(sender.send(child.wait_with_output())));
    match ended.recv_timeout(limit) {
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8(output.stdout).ok();
            Ok(text.map_or(Answer::Nothing, |text| Answer::Said(text.trim_end().to_owned())))
        }
        Ok(Ok(output)) => Ok(Answer::of_failure(&output.stderr)),
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Ok(Answer::Nothing),
        Err(RecvTimeoutError::Timeout) => {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(Late)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_killed_with_its_children() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        let long = Duration::from_secs(60);
        let said = |answer: Result<Answer, Late>| answer.unwrap().said();
        assert_eq!(said(within(shell("echo a; echo b"), long)).as_deref(), Some("a\nb"));
        assert_eq!(said(within(shell("echo a; exit 1"), long)), None);
        assert_eq!(said(within(Command::new("/no/such/program"), long)), None);
        // The pipe closes when the shell's child has ended, too.
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let flags = rustix::fs::OFlags::NONBLOCK;
        let reader = rustix::fs::open(&pipe, flags, rustix::fs::Mode::empty()).unwrap();
        let mut command = shell("exec 3>pipe; sleep 600 & sleep 600");
        command.current_dir(directory.path());
        assert!(within(command, Duration::from_millis(50)).is_err());
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::empty()).unwrap();
        std::io::Read::read_to_end(&mut std::fs::File::from(reader), &mut Vec::new()).unwrap();
    }
}
