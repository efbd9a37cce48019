//! What Git and the environment know of the sources. Git itself is asked: it alone knows all the
//! ways in which a work tree can be laid out.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, ErrorKind};
use crate::matrix::Facts;

/// The facts about the work tree that `folder` lies in. Without Git, or outside of a work tree,
/// there is no revision.
pub(super) fn facts(folder: &Path) -> Result<Facts, Error> {
    let log = git(folder, &["log", "-1", "--format=%H %ct"]);
    let (revision, committed) = match log.as_deref().and_then(|line| line.split_once(' ')) {
        Some((revision, seconds)) => (Some(revision.to_owned()), seconds.parse().ok()),
        None => (None, None),
    };
    let status = || git(folder, &["status", "--porcelain", "--untracked-files=no"]);
    Ok(Facts {
        is_dirty: revision.is_some() && status().is_some_and(|changed| !changed.is_empty()),
        // Not `git remote get-url`: that puts in what may hold credentials.
        remote: git(folder, &["config", "--get", "remote.origin.url"]),
        revision,
        created: epoch()?.or(committed),
    })
}

/// <https://reproducible-builds.org/specs/source-date-epoch/>
fn epoch() -> Result<Option<i64>, Error> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let seconds = text.to_str().and_then(|text| text.parse::<i64>().ok());
    match seconds.filter(|seconds| *seconds >= 0) {
        Some(seconds) => Ok(Some(seconds)),
        None => {
            let message = "SOURCE_DATE_EPOCH is not a number of seconds";
            let help = "set it to seconds since 1970, as `git log -1 --format=%ct` prints them";
            Err(Error::new(ErrorKind::Usage, message).help(help))
        }
    }
}

/// What a Git command printed, if it went well.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        // Nothing that the repository itself could name is to run.
        .args(["-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager"])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
