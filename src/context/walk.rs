//! Walks all entries of a directory that pass a filter, in BuildKit's order.
//!
//! Entries are ordered by path component: a directory, its entries, then its next sibling. An
//! excluded directory is still walked if an entry in it may be included, and is sent before the
//! first such entry. The behaviour is that of fsutil's filter,
//! <https://github.com/tonistiigi/fsutil/blob/master/filter.go>, with two exceptions. Sockets, pipes
//! and devices are left out, unless the selection names one: then it is an error. Names that are
//! not UTF-8 are always an error.

use std::collections::{HashMap, HashSet};
use std::io;
use std::mem::take;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::folder::{
    FileState, Folder, UNREADABLE, changed, modified, names, open_dir, permissions, stat,
};
use super::follow::{follow, without_nested};
use super::patterns::{Matched, PatternError, Rules, clean};
use crate::unsent;

/// An entry to send. Owners and extended attributes are omitted on purpose: they depend on this
/// machine, and the same tree would differ between machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative to the root, with `/` between components.
    pub path: String,
    pub kind: EntryKind,
    /// The twelve permission bits.
    pub permissions: u32,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Last change of content or metadata, in the same unit; not sent.
    pub changed: i64,
    /// Not sent.
    pub inode: u64,
}

impl Entry {
    /// The state to compare with [`Folder::state`]; `None` for entries without content.
    pub(crate) fn state(&self) -> Option<FileState> {
        let (EntryKind::File { size } | EntryKind::HardLink { size, .. }) = self.kind else {
            return None;
        };
        let Self { permissions, modified, changed, inode, .. } = *self;
        Some(FileState { size, permissions, modified, changed, inode })
    }
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Folder,
    File {
        size: u64,
    },
    /// Another name of a file that was sent before.
    HardLink {
        to: String,
        size: u64,
    },
    Link {
        to: String,
    },
}

/// Which part of a directory to walk. Empty lists select everything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Selection<'a> {
    pub include: &'a [String],
    pub exclude: &'a [String],
    pub follow: &'a [String],
}

/// The selected entries that no image can contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// The path of the first one, and its kind, such as `a socket`.
    pub first: Option<(String, &'static str)>,
    pub count: usize,
}

impl Folder {
    /// Calls `visit` for every selected entry, until it fails. Returns what it left out.
    pub(crate) fn walk(
        &self,
        selection: Selection<'_>,
        visit: &mut dyn FnMut(Entry) -> io::Result<()>,
    ) -> io::Result<LeftOut> {
        let bad = |what: &str| {
            let what = what.to_owned();
            move |error: PatternError| io::Error::other(format!("{what}: {error}"))
        };
        let mut include = selection.include.to_vec();
        if !selection.follow.is_empty() {
            let unreadable = |errno: Errno| self.error("", &io::Error::from(errno).to_string());
            if let Some(found) = follow(self, selection.follow).map_err(unreadable)? {
                include.extend(found);
                include = without_nested(include).unwrap_or_default();
            }
        }
        let named = include.iter().chain(selection.follow);
        let named = named.map(|path| clean(&format!("/{path}"))[1..].to_owned()).collect();
        let include = Rules::new(&include).map_err(bad("what to include"))?;
        let exclude = Rules::new(selection.exclude).map_err(bad("what to exclude"))?;
        let mut walk = Walk {
            directory: self,
            include,
            exclude,
            named,
            left_out: LeftOut::default(),
            first_names: HashMap::new(),
            waiting: Vec::new(),
            visit,
        };
        walk.dir(self.root(), "", &Level::default())?;
        Ok(walk.left_out)
    }
}

/// The rules that matched a directory.
#[derive(Default)]
struct Level {
    include: Matched,
    exclude: Matched,
}

struct Verdict {
    send: bool,
    /// Whether to walk it, if it is a directory.
    enter: bool,
    level: Level,
}

struct Walk<'a> {
    directory: &'a Folder,
    include: Rules,
    exclude: Rules,
    /// The paths that the selection names, without wildcards.
    named: HashSet<String>,
    left_out: LeftOut,
    /// For files with several names: the path under which each was sent, by device and inode.
    first_names: HashMap<(u64, u64), String>,
    /// Parent directories that have not been sent, outermost first.
    waiting: Vec<Entry>,
    visit: &'a mut dyn FnMut(Entry) -> io::Result<()>,
}

impl Walk<'_> {
    fn dir(&mut self, dir: BorrowedFd<'_>, path: &str, level: &Level) -> io::Result<()> {
        let mut names = names(dir).map_err(|errno| self.failed(path, errno))?;
        names.sort_unstable();
        for name in names {
            let shown = String::from_utf8_lossy(&name);
            let child = if path.is_empty() { shown.to_string() } else { format!("{path}/{shown}") };
            let stat = match stat(dir, &name) {
                // Removed since the directory was listed: skip it.
                Err(Errno::NOENT) => continue,
                stat => stat.map_err(|errno| self.failed(&child, errno))?,
            };
            if unsent::contains(stat.st_dev, stat.st_ino) {
                continue;
            }
            let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            let verdict = self.judge(&child, is_dir, level);
            if verdict.send
                && let Some(what) = unsendable(&stat)
            {
                self.leave_out(child, what)?;
                continue;
            }
            if verdict.send {
                if std::str::from_utf8(&name).is_err() {
                    let what = "its name is not UTF-8 and cannot be sent; rename it, or add it \
                                to .dockerignore";
                    return Err(self.directory.error(&child, what));
                }
                let entry = self.entry(dir, &child, &name, &stat)?;
                for parent in take(&mut self.waiting) {
                    (self.visit)(parent)?;
                }
                (self.visit)(entry)?;
            }
            if is_dir && verdict.enter {
                // If sent, a name that is not UTF-8 was refused above. Otherwise its entries could
                // not be named either.
                let Ok(name) = std::str::from_utf8(&name) else { continue };
                let opened = match open_dir(dir, name) {
                    Err(Errno::NOENT) => continue,
                    Err(Errno::ACCESS | Errno::PERM) if !verdict.send => continue,
                    opened => opened.map_err(|errno| self.failed(&child, errno))?,
                };
                if !verdict.send {
                    let entry = self.entry(dir, &child, name.as_bytes(), &stat)?;
                    self.waiting.push(entry);
                }
                self.dir(opened.as_fd(), &child, &verdict.level)?;
                // Either it was sent with all of `waiting`, or it is still the last.
                if self.waiting.last().is_some_and(|last| last.path == child) {
                    self.waiting.pop();
                }
            }
        }
        Ok(())
    }

    fn judge(&self, path: &str, is_dir: bool, parent: &Level) -> Verdict {
        let mut verdict = Verdict { send: true, enter: true, level: Level::default() };
        if !self.include.is_empty() {
            let (matched, level) = self.include.judge(path, &parent.include);
            verdict.send = matched;
            verdict.enter = matched || (is_dir && self.include.reach_below(path, false));
            verdict.level.include = level;
        }
        if !self.exclude.is_empty() && verdict.enter {
            let (matched, level) = self.exclude.judge(path, &parent.exclude);
            verdict.send &= !matched;
            verdict.enter = !matched || (is_dir && self.exclude.reach_below(path, true));
            verdict.level.exclude = level;
        }
        verdict
    }

    fn entry(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &str,
        name: &[u8],
        stat: &rustix::fs::Stat,
    ) -> io::Result<Entry> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link { to: self.target(dir, path, name)? },
            _ => self.file(path, stat),
        };
        // Links have no permissions of their own; Go, and so BuildKit's other clients, report 0777.
        let permissions = match kind {
            EntryKind::Link { .. } => 0o777,
            _ => permissions(stat),
        };
        Ok(Entry {
            path: path.to_owned(),
            kind,
            permissions,
            modified: modified(stat),
            changed: changed(stat),
            inode: stat.st_ino,
        })
    }

    fn file(&mut self, path: &str, stat: &rustix::fs::Stat) -> EntryKind {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if stat.st_nlink > 1 {
            let inode = (stat.st_dev, stat.st_ino);
            if let Some(first) = self.first_names.get(&inode) {
                return EntryKind::HardLink { to: first.clone(), size };
            }
            self.first_names.insert(inode, path.to_owned());
        }
        EntryKind::File { size }
    }

    fn target(&self, dir: BorrowedFd<'_>, path: &str, name: &[u8]) -> io::Result<String> {
        let target = rustix::fs::readlinkat(dir, name, Vec::new())
            .map_err(|errno| self.failed(path, errno))?;
        target.into_string().map_err(|_| {
            self.directory.error(path, "the link's target is not UTF-8 and cannot be sent")
        })
    }

    fn leave_out(&mut self, path: String, what: &'static str) -> io::Result<()> {
        if self.named.contains(&path) {
            let what = format!("it is {what}, which no image can contain; do not copy it");
            return Err(self.directory.error(&path, &what));
        }
        self.left_out.count += 1;
        self.left_out.first.get_or_insert((path, what));
        Ok(())
    }

    fn failed(&self, path: &str, errno: Errno) -> io::Error {
        match errno {
            Errno::ACCESS | Errno::PERM => self.directory.error(path, UNREADABLE),
            Errno::LOOP | Errno::NOTDIR => {
                self.directory.error(path, "it was replaced while it was read")
            }
            other => self.directory.error(path, &io::Error::from(other).to_string()),
        }
    }
}

/// What an entry is that cannot be sent.
fn unsendable(stat: &rustix::fs::Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory | FileType::Symlink | FileType::RegularFile => None,
        FileType::Socket => Some("a socket"),
        FileType::Fifo => Some("a named pipe"),
        FileType::BlockDevice | FileType::CharacterDevice => Some("a device"),
        _ => Some("not a file, directory or link"),
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
