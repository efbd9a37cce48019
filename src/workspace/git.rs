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

/// The facts about the work tree that contains `folder`. Without Git, or outside a work tree, there is no
/// revision.
pub(crate) fn facts(folder: &Path) -> Result<Facts, Error> {
    let log = git(folder, &["log", "-1", "--format=%H %ct"])?;
    let (revision, committed) = match log.as_deref().and_then(|line| line.split_once(' ')) {
        Some((revision, seconds)) => (Some(revision.to_owned()), seconds.parse().ok()),
        None => (None, None),
    };
    let changed = match &revision {
        Some(_) => git(folder, &["status", "--porcelain", "--untracked-files=no"])?,
        None => None,
    };
    Ok(Facts {
        is_dirty: changed.is_some_and(|changed| !changed.is_empty()),
        // Not `git remote get-url`: it expands `insteadOf`, which may add credentials.
        remote: git(folder, &["config", "--get", "remote.origin.url"])?,
        revision,
        committed,
    })
}

/// Timeout of one Git command. `git status` may read a large work tree on a slow disk.
const GIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The output of a Git command, if it succeeded.
fn git(folder: &Path, arguments: &[&str]) -> Result<Option<String>, Error> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        // Do not run programs that the repository configures.
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager"])
        .args(arguments)
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

/// The output of `command`, if it succeeds within `limit`. After that it is killed together with its
/// child processes.
fn within(mut command: Command, limit: Duration) -> Result<Option<String>, Late> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let Ok(child) = command.spawn() else { return Ok(None) };
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (sender, ended) = channel();
    std::thread::spawn(move || drop(sender.send(child.wait_with_output())));
    match ended.recv_timeout(limit) {
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8(output.stdout).ok();
            Ok(text.map(|text| text.trim_end().to_owned()))
        }
        Ok(_) | Err(RecvTimeoutError::Disconnected) => Ok(None),
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
        assert_eq!(within(shell("echo a; echo b"), long).unwrap().as_deref(), Some("a\nb"));
        assert_eq!(within(shell("echo a; exit 1"), long).unwrap(), None);
        assert_eq!(within(Command::new("/no/such/program"), long).unwrap(), None);
        // The pipe closes when the shell's child has ended, too.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = shell("sleep 600 & sleep 600");
        command.stderr(writer);
        assert!(within(command, Duration::from_millis(50)).is_err());
        std::io::Read::read_to_end(&mut reader, &mut Vec::new()).unwrap();
    }
}
