//! Where the matrix is, if the command line does not name it: in the current directory, or in one above
//! it in the same work tree.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::git;

/// The file names of a matrix.
pub(crate) const NAMES: [&str; 2] = ["matrix.yaml", "matrix.yml"];

/// The result of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the current directory, or nowhere: then this is the name that an error shows.
    Here(&'static str),
    /// In a directory above: the path relative to the current directory.
    Above(PathBuf),
    /// The same, but another user owns that directory, so the file is not used unless it is named.
    /// Everyone can create `/tmp/.git` and `/tmp/matrix.yaml`.
    NotOurs(PathBuf),
    /// This directory has files of both names.
    Both(PathBuf),
}

impl Found {
    /// The path of the matrix, relative to the current directory. `sheet` refuses those that the user has
    /// to name.
    pub(crate) fn path(self) -> PathBuf {
        match self {
            Self::Here(name) => name.into(),
            Self::Above(path) | Self::NotOurs(path) | Self::Both(path) => path,
        }
    }
}

/// Searches for the matrix from the current directory up to the top of the work tree. Outside of one,
/// only the current directory counts.
pub(crate) fn found() -> Found {
    // Free of links, so that `..` is the directory above.
    std::env::current_dir().map_or(Found::Here(NAMES[0]), |here| from(&here))
}

fn from(here: &Path) -> Found {
    let top = git::top(here).unwrap_or(here);
    let owner = |directory: &Path| directory.metadata().ok().map(|found| found.uid());
    let mut path = PathBuf::new();
    let mut is_ours = true;
    for directory in here.ancestors() {
        let is_here = directory == here;
        is_ours &= is_here || owner(directory) == owner(here);
        let mut names = NAMES.into_iter().filter(|name| {
            let found = directory.join(name).symlink_metadata();
            // Here, a directory of that name is an error.
            found.is_ok_and(|found| is_here || !found.is_dir())
        });
        match (names.next(), names.next()) {
            (Some(one), Some(other))
                if is_ours && !is_same(&directory.join(one), &directory.join(other)) =>
            {
                return Found::Both(path);
            }
            (Some(name), _) if is_here => return Found::Here(name),
            (Some(name), _) if is_ours => return Found::Above(path.join(name)),
            (Some(name), _) => return Found::NotOurs(path.join(name)),
            (None, _) if directory == top => break,
            (None, _) => path.push(".."),
        }
    }
    Found::Here(NAMES[0])
}

/// Whether one of them is a link to the other.
fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    file(one).is_some() && file(one) == file(other)
}

/// A file in the current directory whose name is almost that of a matrix: `Matrix.yaml`, `matrix.json`.
pub(crate) fn almost() -> Option<String> {
    /// Limit of the entries that are looked at.
    const ENTRIES: usize = 10_000;
    const ALIKE: [&str; 5] =
        ["matrix.yaml", "matrix.yml", "matrix.json", "onebuild.yaml", "onebuild.yml"];
    let is_other = |name: &String| {
        // A link to nothing can have the right name.
        ALIKE.contains(&name.to_lowercase().as_str()) && !NAMES.contains(&name.as_str())
    };
    let entries = std::fs::read_dir(".").ok()?.take(ENTRIES).filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(is_other).min()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_matrix_of_the_work_tree_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["repo/.git", "repo/a/b", "repo/a/inner/b", "repo/own/a", "plain/a"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        // A directory of that name is not a matrix.
        fs::create_dir_all(at.join("repo/a/b/c/matrix.yaml")).unwrap();
        fs::create_dir_all(at.join("repo/a/b/c/d")).unwrap();
        // A submodule or a linked work tree: its top is the top.
        fs::write(at.join("repo/a/inner/.git"), "gitdir: x").unwrap();
        for name in ["matrix.yaml", "repo/matrix.yaml", "repo/own/matrix.yml", "plain/matrix.yaml"]
        {
            fs::write(at.join(name), "").unwrap();
        }
        for name in ["matrix.yaml", "matrix.yml"] {
            fs::create_dir_all(at.join("repo/both/a")).unwrap();
            fs::write(at.join("repo/both").join(name), "").unwrap();
        }
        fs::create_dir_all(at.join("repo/link")).unwrap();
        fs::write(at.join("repo/link/matrix.yml"), "").unwrap();
        std::os::unix::fs::symlink("matrix.yml", at.join("repo/link/matrix.yaml")).unwrap();
        let yaml = Found::Here("matrix.yaml");
        for (here, wanted) in [
            ("repo", yaml.clone()),
            ("repo/a", Found::Above("../matrix.yaml".into())),
            ("repo/a/b", Found::Above("../../matrix.yaml".into())),
            ("repo/a/b/c", yaml.clone()),
            ("repo/a/b/c/d", Found::Above("../../../../matrix.yaml".into())),
            ("repo/own", Found::Here("matrix.yml")),
            ("repo/own/a", Found::Above("../matrix.yml".into())),
            ("repo/link", yaml.clone()),
            ("repo/both", Found::Both("".into())),
            ("repo/both/a", Found::Both("..".into())),
            ("repo/a/inner/b", yaml.clone()),
            ("plain/a", yaml),
        ] {
            assert_eq!(from(&at.join(here)), wanted, "{here}");
        }
    }
}
