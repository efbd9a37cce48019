//! Where the matrix is, if the command line does not name it: in the current directory, or in one above
//! it in the same work tree.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::git;

/// The file name of a matrix.
pub(crate) const NAME: &str = "matrix.yaml";

/// The result of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the current directory, or nowhere: then the error names the current directory.
    Here,
    /// In a directory above: the path relative to the current directory.
    Above(PathBuf),
    /// The same, but another user owns that directory, so the file is not used unless it is named.
    /// Everyone can create `/tmp/.git` and `/tmp/matrix.yaml`.
    NotOurs(PathBuf),
}

/// Searches for the matrix from the current directory up to the top of the work tree. Outside of one,
/// only the current directory counts.
pub(crate) fn found() -> Found {
    // Free of links, so that `..` is the directory above.
    std::env::current_dir().map_or(Found::Here, |here| from(&here))
}

fn from(here: &Path) -> Found {
    let Some(top) = git::top(here) else { return Found::Here };
    let owner = |directory: &Path| directory.metadata().ok().map(|found| found.uid());
    let mut path = PathBuf::from(NAME);
    let mut is_ours = true;
    for directory in here.ancestors() {
        let matrix = directory.join(NAME).symlink_metadata();
        is_ours &= directory == here || owner(directory) == owner(here);
        match matrix {
            Ok(_) if directory == here => return Found::Here,
            Ok(found) if !found.is_dir() => {
                return if is_ours { Found::Above(path) } else { Found::NotOurs(path) };
            }
            _ if directory == top => return Found::Here,
            _ => path = Path::new("..").join(path),
        }
    }
    Found::Here
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_matrix_of_the_work_tree_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["repo/.git", "repo/a/b", "repo/a/inner/b", "repo/own", "plain/a"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        // A directory of that name is not a matrix.
        fs::create_dir_all(at.join("repo/a/b/c/matrix.yaml")).unwrap();
        fs::create_dir_all(at.join("repo/a/b/c/d")).unwrap();
        // A submodule or a linked work tree: its top is the top.
        fs::write(at.join("repo/a/inner/.git"), "gitdir: x").unwrap();
        for name in ["matrix.yaml", "repo/matrix.yaml", "repo/own/matrix.yaml", "plain/matrix.yaml"]
        {
            fs::write(at.join(name), "").unwrap();
        }
        for (here, wanted) in [
            ("repo", None),
            ("repo/a", Some("../matrix.yaml")),
            ("repo/a/b", Some("../../matrix.yaml")),
            ("repo/a/b/c", None),
            ("repo/a/b/c/d", Some("../../../../matrix.yaml")),
            ("repo/own", None),
            ("repo/a/inner/b", None),
            ("plain/a", None),
        ] {
            let wanted = wanted.map_or(Found::Here, |path| Found::Above(path.into()));
            assert_eq!(from(&at.join(here)), wanted, "{here}");
        }
    }
}
