//! Files that are on no disk: rendered Dockerfiles.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::source::{FileSource, Filter, Stat, Visit, mode};

/// A tree of small files in memory, to which files can be added while it is served.
#[derive(Debug, Default)]
pub struct MemoryFiles {
    // Components as the key: their order is the one in which entries must be sent.
    files: RwLock<BTreeMap<Vec<String>, Bytes>>,
}

impl MemoryFiles {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces it. `path` is relative and clean: `ubuntu/Dockerfile`.
    pub fn insert(&self, path: &str, content: impl Into<Bytes>) -> Result<(), BadPath> {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        if parts.iter().any(|part| matches!(part.as_str(), "" | "." | "..") || part.contains('\0'))
        {
            return Err(BadPath(path.to_owned()));
        }
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.insert(parts, content.into());
        Ok(())
    }

    /// Takes a file out again.
    pub fn remove(&self, path: &str) {
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        self.files.write().unwrap_or_else(PoisonError::into_inner).remove(&parts);
    }

    fn matching(&self, filter: &Filter) -> Vec<Stat> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<Stat> = Vec::new();
        let mut folder: &[String] = &[];
        for (parts, content) in files.iter().filter(|(parts, _)| wanted(parts, filter)) {
            let parents = &parts[..parts.len() - 1];
            let known = folder.iter().zip(parents).take_while(|(a, b)| a == b).count();
            for depth in known + 1..=parents.len() {
                let path = parents[..depth].join("/");
                entries.push(Stat { path, mode: mode::DIR | 0o755, ..Stat::default() });
            }
            folder = parents;
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

/// BuildKit takes a file whose size and time it knows for unchanged. A time that is made from the
/// content keeps the promise both ways: same content, same time; other content, other time.
fn time_of(content: &[u8]) -> i64 {
    let digest = Sha256::digest(content);
    let seconds = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let nanos = u32::from_be_bytes([digest[4], digest[5], digest[6], digest[7]]) % 1_000_000_000;
    i64::from(seconds) * 1_000_000_000 + i64::from(nanos)
}

/// Patterns are taken literally: for these files BuildKit asks by name, and the names are ours.
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
        // Collected first, so that no lock is held while the network is waited for.
        self.matching(filter).into_iter().try_for_each(visit)
    }

    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>> {
        let parts: Vec<String> = stat.path.split('/').map(str::to_owned).collect();
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        match files.get(&parts) {
            Some(content) if time_of(content) == stat.mod_time => {
                Ok(Box::new(Cursor::new(content.clone())))
            }
            Some(_) => Err(io::Error::other(format!("{} changed while it was sent", stat.path))),
            None => Err(io::Error::other(format!("{} vanished while it was sent", stat.path))),
        }
    }
}

/// A path that is absolute, not clean, or leads out of the tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path inside a folder: it must be relative, without `.`, `..` or empty parts")]
pub struct BadPath(String);

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
    fn folders_come_before_their_files_and_in_component_order() {
        assert_eq!(
            listed(&["a.txt", "a/c/d", "a/b", "b"], &[], &[]),
            ["a", "a/b", "a/c", "a/c/d", "a.txt", "b"]
        );
    }

    #[test]
    fn only_what_is_asked_for_is_listed() {
        let files = ["ubuntu/Dockerfile", "ubuntu/other", "x"];
        assert_eq!(listed(&files, &[], &["/ubuntu/Dockerfile"]), ["ubuntu", "ubuntu/Dockerfile"]);
        assert_eq!(listed(&files, &["x", "y"], &[]), ["x"]);
        assert_eq!(listed(&files, &["ubuntu"], &[]).len(), 3);
        assert_eq!(listed(&files, &["u"], &[]), [] as [&str; 0]);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let memory = MemoryFiles::new();
        for bad in ["", "/a", "a//b", "../a", "a/./b", "a/"] {
            assert!(memory.insert(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn other_content_of_one_size_gets_another_time() {
        assert_ne!(time_of(b"FROM a"), time_of(b"FROM b"));
        assert_eq!(time_of(b"FROM a"), time_of(b"FROM a"));
    }
}
