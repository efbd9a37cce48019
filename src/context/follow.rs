//! Follows symlinks: which paths must be sent so that a path resolves to the same file in BuildKit.
//!
//! Both a symlink and its target are included, link by link, within the root: an absolute target
//! starts at the root and `..` stops there, as in BuildKit. The behaviour is that of fsutil's
//! `FollowLinks`, <https://github.com/tonistiigi/fsutil/blob/master/followlinks.go>.

use std::collections::{BTreeSet, HashSet};

use rustix::io::Errno;

use super::folder::{Folder, names};
use super::glob::Glob;
use super::patterns::clean;

/// Linux follows at most this many links; a build does not resolve longer chains either.
const LINKS: usize = 40;

/// Sorted include patterns for `paths` and their targets; `None` if a path resolves to the root, so
/// that everything is included.
pub(super) fn follow(directory: &Folder, paths: &[String]) -> Result<Option<Vec<String>>, Errno> {
    let mut resolver = Resolver { directory, found: BTreeSet::new(), seen: HashSet::new() };
    for path in paths {
        resolver.resolve(path.clone(), 0)?;
    }
    Ok(without_nested(resolver.found.into_iter().collect()))
}

/// Removes paths inside of a directory that is listed too; returns `None` if the root is listed.
/// Only neighbours are compared, which is enough for sorted paths.
pub(super) fn without_nested(paths: Vec<String>) -> Option<Vec<String>> {
    let mut kept: Vec<String> = Vec::with_capacity(paths.len());
    for path in paths {
        if path == "." {
            return None;
        }
        let nested = |last: &String| {
            path.strip_prefix(last.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if !kept.last().is_some_and(nested) {
            kept.push(path);
        }
    }
    Some(kept)
}

struct Resolver<'a> {
    directory: &'a Folder,
    found: BTreeSet<String>,
    seen: HashSet<String>,
}

impl Resolver<'_> {
    fn resolve(&mut self, path: String, links: usize) -> Result<(), Errno> {
        if links > LINKS || !self.seen.insert(path.clone()) {
            return Ok(());
        }
        let mut current = String::new();
        let mut rest = path.as_str();
        loop {
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            current = clean(&format!("/{current}/{part}"))[1..].to_owned();
            let targets = self.targets(&current)?;
            if !targets.is_empty() {
                self.found.insert(current);
                for target in targets {
                    self.resolve(clean(&format!("{target}/{after}")), links + 1)?;
                }
                return Ok(());
            }
            if after.is_empty() {
                self.found.insert(clean(&current));
                return Ok(());
            }
            rest = after;
        }
    }

    /// The targets of `path`, as paths from the root with a leading slash. Wildcards in its last
    /// component match all links of such a name.
    fn targets(&self, path: &str) -> Result<Vec<String>, Errno> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let single = || Ok(self.target(dir, path)?.into_iter().collect());
        if !has_wildcards(name) {
            return single();
        }
        let Ok(glob) = Glob::compile(name) else { return Ok(Vec::new()) };
        let entries = match self.directory.dir(dir).and_then(|fd| {
            use std::os::fd::AsFd as _;
            names(fd.as_fd())
        }) {
            Ok(entries) => entries,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
            Err(other) => return Err(other),
        };
        let mut found = Vec::new();
        for entry in entries.iter().filter_map(|entry| std::str::from_utf8(entry).ok()) {
            if glob.matches(entry) {
                found.extend(self.target(dir, &clean(&format!("/{dir}/{entry}"))[1..])?);
            }
        }
        Ok(found)
    }

    fn target(&self, dir: &str, path: &str) -> Result<Option<String>, Errno> {
        let target = self.directory.link(path)?.and_then(|target| String::from_utf8(target).ok());
        Ok(target.map(|target| match target.starts_with('/') {
            true => clean(&target),
            false => clean(&format!("/{dir}/{target}")),
        }))
    }
}

fn has_wildcards(name: &str) -> bool {
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}
