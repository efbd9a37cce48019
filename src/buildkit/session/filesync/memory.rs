//! Files in memory: rendered Dockerfiles.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::source::{FileSource, Filter, Stat, Visit, mode};

/// A tree of small files in memory. Files can be added while it is served.
#[derive(Debug, Default)]
pub(crate) struct MemoryFiles {
    // Keyed by path components, so that entries are in the order in which they must be sent.
    files: RwLock<BTreeMap<Vec<String>, Bytes>>,
}

impl MemoryFiles {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces it. `path` is relative and clean: `ubuntu/Dockerfile`.
    pub(crate) fn insert(&self, path: &str, content: impl Into<Bytes>) -> Result<(), BadPath> {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        if parts.iter().any(|part| matches!(part.as_str(), "" | "." | "..") || part.contains('\0'))
        {
            return Err(BadPath(path.to_owned()));
        }
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.insert(parts, content.into());
        Ok(())
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(&parts);
    }

    fn matching(&self, filter: &Filter) -> Vec<Stat> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<Stat> = Vec::new();
        let mut directory: &[String] = &[];
        for (parts, content) in files.iter().filter(|(parts, _)| wanted(parts, filter)) {
            let parents = &parts[..parts.len() - 1];
            let known = directory.iter().zip(parents).take_while(|(a, b)| a == b).count();
            for depth in known + 1..=parents.len() {
                let path = parents[..depth].join("/");
                entries.push(Stat { path, mode: mode::DIR | 0o755, ..Stat::default() });
            }
            directory = parents;
            entries.push(Stat {
                path: parts.join("/"),
                mode: 0o644,
                size: i64::try_from(content.len()).unwrap_or(i64::MAX),
                mod_time: time_of(content),
                ..Stat::default()
            });
        }
        entries
    }
}

/// BuildKit considers a file with the same size and time unchanged. A time derived from the content
/// works both ways: the same content has the same time, other content has another time.
fn time_of(content: &[u8]) -> i64 {
    let digest = Sha256::digest(content);
    let seconds = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let nanos = u32::from_be_bytes([digest[4], digest[5], digest[6], digest[7]]) % 1_000_000_000;
    i64::from(seconds) * 1_000_000_000 + i64::from(nanos)
}

/// Patterns are compared literally: BuildKit requests these files by name, and onebuild chooses the
/// names.
fn wanted(parts: &[String], filter: &Filter) -> bool {
    if filter.include.is_empty() && filter.follow.is_empty() {
        return true;
    }
    filter.include.iter().chain(&filter.follow).any(|pattern| {
        let mut pattern = pattern.split('/').filter(|part| !matches!(*part, "" | "."));
        let mut parts = parts.iter();
        pattern.all(|part| parts.next().is_some_and(|own| own == part))
    })
}

impl FileSource for MemoryFiles {
    fn walk(&self, filter: &Filter, visit: &mut Visit<'_>) -> io::Result<()> {
        // Collect them first, so that no lock is held while waiting for the network.
        self.matching(filter).into_iter().try_for_each(visit)
    }

    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>> {
        let parts: Vec<String> = stat.path.split('/').map(str::to_owned).collect();
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        match files.get(&parts) {
            Some(content) if time_of(content) == stat.mod_time => {
                Ok(Box::new(Cursor::new(content.clone())))
            }
            Some(_) => Err(io::Error::other(format!("{} changed during the transfer", stat.path))),
            None => Err(io::Error::other(format!("{} was removed during the transfer", stat.path))),
        }
    }
}

/// A path that is absolute, not clean, or outside of the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a relative path without `.`, `..` or empty parts")]
pub(crate) struct BadPath(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[&str], include: &[&str], follow: &[&str]) -> Vec<String> {
        let memory = MemoryFiles::new();
        for file in files {
            memory.insert(file, file.as_bytes().to_vec()).unwrap();
        }
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        let filter = Filter { include: own(include), follow: own(follow), exclude: vec![] };
        let mut paths = Vec::new();
        let mut visit = |stat: Stat| {
            paths.push(stat.path);
            Ok(())
        };
        memory.walk(&filter, &mut visit).unwrap();
        paths
    }

    #[test]
    fn directories_precede_their_files_in_component_order() {
        assert_eq!(
            listed(&["a.txt", "a/c/d", "a/b", "b"], &[], &[]),
            ["a", "a/b", "a/c", "a/c/d", "a.txt", "b"]
        );
    }

    #[test]
    fn only_requested_files_are_listed() {
        let files = ["ubuntu/Dockerfile", "ubuntu/other", "x"];
        assert_eq!(listed(&files, &[], &["/ubuntu/Dockerfile"]), ["ubuntu", "ubuntu/Dockerfile"]);
        assert_eq!(listed(&files, &["x", "y"], &[]), ["x"]);
        assert_eq!(listed(&files, &["ubuntu"], &[]).len(), 3);
        assert_eq!(listed(&files, &["u"], &[]), [] as [&str; 0]);
    }

    #[test]
    fn paths_outside_of_the_tree_are_refused() {
        let memory = MemoryFiles::new();
        for bad in ["", "/a", "a//b", "../a", "a/./b", "a/"] {
            assert!(memory.insert(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn different_content_of_the_same_size_has_a_different_time() {
        assert_ne!(time_of(b"FROM a"), time_of(b"FROM b"));
        assert_eq!(time_of(b"FROM a"), time_of(b"FROM a"));
    }
}
