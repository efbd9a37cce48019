//! The `files` of the matrix. They are rendered from all cells, regardless of selection and overrides,
//! because committed files must not depend on a run.

use std::fs;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::drift::Drift;
use super::plan_files::{Templates, plan_files};
use super::targets;
use super::text::inside;
use crate::error::{Diagnostic, Error, why};
use crate::input::Root;
use crate::matrix::{Matrix, Overrides, Selection};
use crate::plan::{PlanFiles, RenderedFile, committed};

/// The directory of the files and their templates.
const PLACE: &str = "directory of matrix.yaml";

/// Every file, with the path to write it to.
pub(crate) fn rendered(
    matrix: &Matrix,
    root: &Root,
    access: &Access,
) -> Result<Vec<(PathBuf, RenderedFile)>, Error> {
    let templates = self::templates(matrix, root, access)?;
    let overrides = Overrides::default();
    let cells = matrix.select(&Selection::default(), &overrides)?.expand()?.cells;
    let files = committed(matrix, &cells, &templates)?;
    Ok(files.into_iter().map(|file| (root.join(&file.path), file)).collect())
}

/// Only the templates of the files.
pub(crate) fn templates(matrix: &Matrix, root: &Root, access: &Access) -> Result<PlanFiles, Error> {
    plan_files(root, access, Templates::Files, |files| files.needed_by(matrix.file_rules()))
}

/// How the files differ from the existing ones.
pub(crate) fn drift(files: &[(PathBuf, RenderedFile)]) -> Result<Drift, Error> {
    let mut drift = Drift::new();
    files.iter().try_for_each(|(path, file)| drift.compare(path, &file.text))?;
    Ok(drift)
}

/// Fails if a file must not be written: in Git's own directory, or outside `root` through a link.
pub(crate) fn within(path: &Path, file: &RenderedFile, root: &Root) -> Result<(), Box<Diagnostic>> {
    let there = path.ancestors().find(|path| fs::symlink_metadata(path).is_ok());
    let there = there.unwrap_or(Path::new("."));
    let allowed =
        targets::check(path).and_then(|()| inside(there, root, PLACE).map_err(|error| why(&error)));
    allowed.map_err(|why| {
        let message = format!("{} is not allowed in `files`", path.display());
        let help =
            "name a regular file inside the directory of matrix.yaml, not behind a link out of it";
        Box::new(Diagnostic::error(message).at(&file.span, why).help(help))
    })
}
