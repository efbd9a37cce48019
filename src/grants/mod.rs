//! Grants: what a command line lets a matrix reach beyond its repository and the build sandbox. Pure.
//!
//! A matrix asks, `--allow` grants. [`Grant`] is one permission, both as it is given and as it is
//! needed; [`Grants`] is all that a command line and `ONEBUILD_ALLOW` give. Where two paths are the
//! same place is for the caller to find out: here they are texts.
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
pub enum Grant {
    /// `fs.read=PATH`: a file, or a directory and everything in it.
    Read(PathBuf),
    /// `fs.write=PATH`
    Write(PathBuf),
    /// `ssh`: signing with the keys of an SSH agent.
    Ssh,
    /// `network.host`: steps in the network of the engine's machine.
    NetworkHost,
    /// `security.insecure`: steps without a sandbox.
    SecurityInsecure,
    /// `image.push=REPOSITORY`: caches that are pushed with the logins of the user.
    Push(String),
    /// `test.privileged`: smoke tests in privileged containers.
    TestPrivileged,
    /// `test.volumes=PATH`: a path of the engine's machine, mounted into smoke tests.
    TestVolumes(String),
}

/// All that is granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(Vec<Grant>);

impl Grants {
    pub fn extend(&mut self, more: Grants) {
        self.0.extend(more.0);
    }

    /// The paths that may be read, or written.
    pub fn paths(&self, write: bool) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(move |grant| match grant {
            Grant::Read(path) if !write => Some(path.as_path()),
            Grant::Write(path) if write => Some(path.as_path()),
            _ => None,
        })
    }

    /// Whether `wanted` is granted. The paths of files are compared as texts.
    pub fn has(&self, wanted: &Grant) -> bool {
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
            // Links on the engine's machine are unknown here, and a test may have made one: what
            // lies below a path need not be within it, and `..` may lead anywhere.
            (Self::TestVolumes(granted), Self::TestVolumes(wanted)) => {
                granted == ALL || Path::new(granted) == Path::new(wanted)
            }
            (granted, wanted) => granted == wanted,
        }
    }

    /// As it is typed, for a shell: `--allow fs.read=../shared`.
    pub fn flag(&self) -> String {
        format!("--allow {}", shell_word(&listed_word(&self.to_string())))
    }
}

/// `fs.read=*`
pub fn is_every_path(path: &Path) -> bool {
    path == Path::new(ALL)
}

/// A path without `.` and `..`, no link followed.
pub fn lexical(path: &Path) -> PathBuf {
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

/// One field of a list: with a comma or a quote in it, in quotes.
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

/// As it is written after `--allow`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) => write!(f, "fs.read={}", path.display()),
            Self::Write(path) => write!(f, "fs.write={}", path.display()),
            Self::Push(repository) => write!(f, "image.push={repository}"),
            Self::TestVolumes(path) => write!(f, "test.volumes={path}"),
            Self::Ssh => f.write_str("ssh"),
            Self::NetworkHost => f.write_str("network.host"),
            Self::SecurityInsecure => f.write_str("security.insecure"),
            Self::TestPrivileged => f.write_str("test.privileged"),
        }
    }
}
