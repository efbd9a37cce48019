//! The directory that paths are relative to.

use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A directory whose path is never empty: the current one is `.`. The operating system rejects an
/// empty path; only [`Path::parent`] and [`Path::join`] use it for the current directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

const HERE: &str = ".";

impl Root {
    /// The directory that `file` is in.
    pub fn of(file: &Path) -> Self {
        Self(parent(file).to_owned())
    }

    /// Whether this is the current directory.
    pub fn is_here(&self) -> bool {
        self.0 == Path::new(HERE)
    }

    /// Joins `path` to this directory. The result is shown to users, so a file in the current
    /// directory has no `./` before its name. Never empty.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        // Equal to all of `.`, `./` and `./.`.
        if path == Path::new(HERE) || path == Path::new("") {
            return self.0.clone();
        }
        match self.is_here() {
            true => path.to_owned(),
            false => self.0.join(path.strip_prefix(HERE).unwrap_or(path)),
        }
    }
}

/// The directory that `file` is in; never empty.
pub(crate) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new(HERE),
    }
}

impl Default for Root {
    fn default() -> Self {
        Self(HERE.into())
    }
}

impl Deref for Root {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_is_empty_or_has_a_redundant_dot() {
        for (file, path, wanted) in [
            ("matrix.yaml", ".", "."),
            ("matrix.yaml", "./", "."),
            ("matrix.yaml", "./.", "."),
            ("matrix.yaml", "", "."),
            ("matrix.yaml", "sub", "sub"),
            ("matrix.yaml", "./sub", "./sub"),
            ("matrix.yaml", "..", ".."),
            ("matrix.yaml", "/abs", "/abs"),
            ("./matrix.yaml", ".", "."),
            ("./matrix.yaml", "sub", "sub"),
            ("two/matrix.yaml", ".", "two"),
            ("two/matrix.yaml", "./", "two"),
            ("two/matrix.yaml", "sub", "two/sub"),
            ("two/matrix.yaml", "./sub", "two/sub"),
            ("two/matrix.yaml", "..", "two/.."),
            ("two/matrix.yaml", "/abs", "/abs"),
            ("../matrix.yaml", ".", ".."),
            ("/abs/matrix.yaml", ".", "/abs"),
            ("/matrix.yaml", "sub", "/sub"),
        ] {
            let joined = Root::of(Path::new(file)).join(path);
            assert_eq!(joined.as_os_str(), wanted, "{path} beside {file}");
        }
    }

    #[test]
    fn the_current_directory_has_a_name() {
        for file in ["matrix.yaml", "./matrix.yaml", "", "."] {
            let root = Root::of(Path::new(file));
            assert!(root.is_here(), "{file}");
            assert_eq!(root.as_os_str(), ".", "{file}");
        }
        assert!(!Root::of(Path::new("../matrix.yaml")).is_here());
    }
}
