//! Grants: the access beyond its repository and the build sandbox that a command line allows a
//! matrix. Pure.
//!
//! A matrix requests, `--allow` grants. [`Grant`] is one permission, granted or requested;
//! [`Grants`] is everything that a command line and `ONEBUILD_ALLOW` grant. Paths are compared as
//! strings; the caller resolves them.
//!
//! The grammar is that of `docker buildx bake --allow`:
//! <https://docs.docker.com/reference/cli/docker/buildx/bake/#allow>

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::image::Repository;

/// Every path, volume or repository.
const ALL: &str = "*";

/// One permission.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// `fs.read=PATH`: a file, or a directory and everything in it.
    Read(PathBuf),
    /// `fs.write=PATH`
    Write(PathBuf),
    /// `ssh`: use of the keys of an SSH agent.
    Ssh,
    /// `network.host`: steps in the host network of the engine.
    NetworkHost,
    /// `security.insecure`: steps without a sandbox.
    SecurityInsecure,
    /// `image.push=REPOSITORY`: caches that are pushed with the user's logins.
    Push(String),
    /// `test.privileged`: smoke tests in privileged containers.
    SmokePrivileged,
    /// `test.volumes=PATH`: a path on the engine's host, mounted into smoke tests.
    SmokeVolumes(String),
}

/// Everything that is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Grants(Vec<Grant>);

impl Grants {
    pub(crate) fn extend(&mut self, more: Grants) {
        self.0.extend(more.0);
    }

    /// The paths that can be read, or written.
    pub(crate) fn paths(&self, write: bool) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(move |grant| match grant {
            Grant::Read(path) if !write => Some(path.as_path()),
            Grant::Write(path) if write => Some(path.as_path()),
            _ => None,
        })
    }

    /// Whether `wanted` is granted. File paths are compared as strings.
    pub(crate) fn has(&self, wanted: &Grant) -> bool {
        self.0.iter().any(|grant| grant.covers(wanted))
    }
}

impl Grant {
    fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Read(path), Self::Read(_)) | (Self::Write(path), Self::Write(_))
                if is_every_path(path) =>
            {
                true
            }
            (Self::Push(granted), Self::Push(wanted)) => {
                granted == ALL || same_repository(granted, wanted)
            }
            // Symbolic links on the engine's host are unknown here, and a test may have created
            // one: a path below another need not be inside it, and `..` can lead anywhere.
            (Self::SmokeVolumes(granted), Self::SmokeVolumes(wanted)) => {
                granted == ALL || Path::new(granted) == Path::new(wanted)
            }
            (granted, wanted) => granted == wanted,
        }
    }

    /// The flag for a shell: `--allow fs.read=../shared`.
    pub(crate) fn flag(&self) -> String {
        format!("--allow {}", shell_word(&listed_word(&self.to_string())))
    }
}

/// `fs.read=*`
pub(crate) fn is_every_path(path: &Path) -> bool {
    path == Path::new(ALL)
}

/// A path without `.` and `..`; links are not followed.
pub(crate) fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn same_repository(one: &str, other: &str) -> bool {
    let read = |text: &str| Repository::from_str(text).ok();
    one == other || read(one).is_some_and(|one| read(other) == Some(one))
}

/// One field of a list, quoted if it contains a comma or a quote.
fn listed_word(text: &str) -> Cow<'_, str> {
    if !text.contains([',', '"']) {
        return text.into();
    }
    format!("\"{}\"", text.replace('"', "\"\"")).into()
}

/// One word for a shell.
fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "=._-+/:@%,".contains(c);
    if text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self(grants.into_iter().collect())
    }
}

/// The form after `--allow`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) => write!(f, "fs.read={}", path.display()),
            Self::Write(path) => write!(f, "fs.write={}", path.display()),
            Self::Push(repository) => write!(f, "image.push={repository}"),
            Self::SmokeVolumes(path) => write!(f, "test.volumes={path}"),
            Self::Ssh => f.write_str("ssh"),
            Self::NetworkHost => f.write_str("network.host"),
            Self::SecurityInsecure => f.write_str("security.insecure"),
            Self::SmokePrivileged => f.write_str("test.privileged"),
        }
    }
}
