//! Checks and paths of values from flags.

use std::path::{Path, PathBuf};

use crate::config::CellChoice;
use crate::error::{Error, ErrorKind};
use crate::input::{Root, SharedPlace};
use crate::matrix::Overrides;

/// `overrides`, with paths relative to `root`, the directory of the matrix.
pub(super) fn relative_to(root: &Root, overrides: &Overrides) -> Overrides {
    overrides.with_paths(|path| from_here(path, root))
}

/// Refuses caches that several cells would share.
pub(super) fn check(choice: &CellChoice, cells: usize) -> Result<(), Error> {
    let mut caches = choice.overrides.caches.to.iter();
    match caches.find_map(|cache| cache.shared_place()).filter(|_| cells > 1) {
        Some(shared) => Err(one_place(&shared, cells)),
        None => Ok(()),
    }
}

/// Paths of flags are relative to the current directory, paths of the matrix to its own directory.
fn from_here(path: &Path, root: &Root) -> PathBuf {
    match root.is_here() {
        true => path.to_owned(),
        false => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// The error for cells that would overwrite each other's caches.
fn one_place(shared: &SharedPlace, cells: usize) -> Error {
    let SharedPlace { named_by, place } = shared;
    let message = format!("{cells} cells would overwrite each other's cache at `{place}`");
    let help = format!("remove the {named_by} from --cache-to: each cell then gets its own cache");
    Error::new(ErrorKind::Usage, message).help(help)
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn a_path_of_a_flag_is_relative_to_the_current_directory_wherever_the_matrix_is() {
        let root = |file: &str| Root::of(Path::new(file));
        for here in ["matrix.yaml", "./matrix.yaml"] {
            assert_eq!(from_here(Path::new("token"), &root(here)), Path::new("token"));
        }
        let found = from_here(Path::new("token"), &root("sub/matrix.yaml"));
        assert_eq!(Path::new("sub").join(found), env::current_dir().unwrap().join("token"));
    }
}
