//! The local paths that a matrix may access: those in its repository, and those that are granted.
//!
//! The repository is the directory with `.git` that contains the matrix; without one it is the directory
//! of the matrix. Links are followed before paths are compared.

use std::fs;
use std::path::{Path, PathBuf};

use super::git;
use super::targets::resolved;
use crate::grants::{Grant, Grants, is_every_path, lexical};
use crate::input::Root;
use crate::regular;

pub(crate) struct Access {
    here: PathBuf,
    /// `None` if its links form a loop: then no path is inside it.
    repository: Option<PathBuf>,
    grants: Grants,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
}

impl Access {
    /// The access of the matrix at `file` with `grants`.
    pub(crate) fn of(file: &Path, grants: &Grants) -> Self {
        let here = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let resolve = |path: &Path| resolved(&here.join(path)).ok();
        let all = |write: bool| {
            let paths = grants.paths(write).filter(|path| !is_every_path(path));
            paths.filter_map(resolve).collect()
        };
        let repository = resolve(&Root::of(file))
            .map(|directory| git::top(&directory).map(Path::to_owned).unwrap_or(directory));
        Self { repository, read: all(false), write: all(true), grants: grants.clone(), here }
    }

    /// The grant that is required to read `path`, relative to the current directory; `None` if it is in
    /// the repository.
    pub(crate) fn to_read(&self, path: &Path) -> Option<Grant> {
        self.outside(path).map(Grant::Read)
    }

    /// The same for writing.
    pub(crate) fn to_write(&self, path: &Path) -> Option<Grant> {
        self.outside(path).map(Grant::Write)
    }

    /// Whether `grant` is given.
    pub(crate) fn has(&self, grant: &Grant) -> bool {
        let below = |granted: &[PathBuf], path: &Path| {
            let real = resolved(&self.here.join(path));
            real.is_ok_and(|real| granted.iter().any(|granted| real.starts_with(granted)))
        };
        self.grants.has(grant)
            || match grant {
                Grant::Read(path) => below(&self.read, path),
                Grant::Write(path) => below(&self.write, path),
                _ => false,
            }
    }

    /// The missing grant to read `path`.
    pub(crate) fn lacks_read(&self, path: &Path) -> Option<Grant> {
        self.to_read(path).filter(|grant| !self.has(grant))
    }

    /// The same for a text file. A file that is not regular is always refused, without opening it.
    pub(crate) fn lacks_text(&self, path: &Path) -> Option<Grant> {
        let is_refused = fs::metadata(path).is_ok_and(|found| regular::check(&found).is_err());
        self.lacks_read(path).filter(|_| !is_refused)
    }

    /// The path to grant if `path` is not in the repository: as written, or the target of a link.
    fn outside(&self, path: &Path) -> Option<PathBuf> {
        let full = self.here.join(path);
        let is_inside = |path: &Path| {
            self.repository.as_ref().is_some_and(|repository| path.starts_with(repository))
        };
        match resolved(&full) {
            Ok(real) if is_inside(&real) => None,
            Ok(real) if is_inside(&lexical(&full)) => Some(real),
            _ => Some(path.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_in_the_repository_needs_no_grant() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["repo/.git", "repo/sub", "repo/inner", "shared/deep", "shared-too", "plain"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        // A submodule or a worktree.
        fs::write(at.join("repo/inner/.git"), "gitdir: ../.git/modules/inner").unwrap();
        for (target, link) in [
            ("../shared", "repo/out"),
            ("sub", "repo/in"),
            ("../repo/sub/../sub", "repo/around"),
            ("/nonexistent/x", "repo/dangling"),
            ("loop", "repo/loop"),
            ("repo", "linked"),
        ] {
            symlink(target, at.join(link)).unwrap();
        }
        let all = at.join("shared").display().to_string();
        let link = at.join("repo/out").display().to_string();
        for (matrix, path, grants, wanted) in [
            ("repo/matrix.yaml", "repo/sub", "", None),
            ("repo/matrix.yaml", "repo/sub/../new/file", "", None),
            ("repo/matrix.yaml", "repo/in/x", "", None),
            ("repo/matrix.yaml", "repo/around", "", None),
            ("repo/matrix.yaml", "repo", "", None),
            ("repo/sub/matrix.yaml", "repo/other", "", None),
            ("repo/inner/matrix.yaml", "repo/inner/x", "", None),
            ("repo/inner/matrix.yaml", "repo/sub", "", Some("repo/sub")),
            ("linked/matrix.yaml", "linked/sub", "", None),
            ("linked/matrix.yaml", "repo/sub", "", None),
            ("plain/matrix.yaml", "plain/x", "", None),
            ("plain/matrix.yaml", "plain/../shared", "", Some("plain/../shared")),
            ("repo/matrix.yaml", "repo/../shared", "", Some("repo/../shared")),
            ("repo/matrix.yaml", "repo2", "", Some("repo2")),
            ("repo/matrix.yaml", "repo/dangling", "", Some("/nonexistent/x")),
            ("repo/matrix.yaml", "repo/out/deep", "", Some("shared/deep")),
            ("repo/matrix.yaml", "repo/loop", "", Some("repo/loop")),
            ("repo/matrix.yaml", "repo/out/deep", &all, None),
            ("repo/matrix.yaml", "shared", &all, None),
            ("repo/matrix.yaml", "shared", &link, None),
            ("repo/matrix.yaml", "shared/../shared-too", &all, Some("shared/../shared-too")),
            ("repo/matrix.yaml", "shared-too", &all, Some("shared-too")),
            ("repo/matrix.yaml", "plain", "/", None),
            ("repo/matrix.yaml", "plain", "*", None),
        ] {
            let grants: Grants = match grants {
                "" => Grants::default(),
                path => format!("fs.read={path}").parse().unwrap(),
            };
            let access = Access::of(&at.join(matrix), &grants);
            let lacks = access.lacks_read(&at.join(path));
            let wanted = wanted.map(|path| Grant::Read(at.join(path)));
            assert_eq!(lacks, wanted, "{path} of {matrix}");
            // A grant to read does not allow writing.
            let writes = access.to_write(&at.join(path)).is_some_and(|grant| access.has(&grant));
            assert!(!writes, "{path} of {matrix}");
        }
    }
}
