//! The matrix's `files`: rendered with every cell at hand, whatever this run selects or overrides,
//! since what is committed may not depend on a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::access::Access;
use super::drift::Drift;
use super::render::put;
use super::{output, prepare, targets};
use crate::cli::{RenderArgs, SelectArgs};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, why};
use crate::input::Root;
use crate::matrix::{Matrix, Overrides, Selection};
use crate::plan::{RenderedFile, Templates, committed};

/// The folder that the files and their templates lie in.
const PLACE: &str = "folder of matrix.yaml";

/// `onebuild render --files`.
pub(super) fn run(matrix: &Matrix, args: &RenderArgs) -> Result<ExitCode, Error> {
    if let Some(flag) = given(&args.select) {
        let message = format!("{flag} means nothing to --files");
        let help = "what is committed is the same for every run: say it in matrix.yaml";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    output::warn(&prepare::open_warnings(matrix), args.select.strict)?;
    if matrix.file_rules().is_empty() {
        let message = format!("{} has no `files`", matrix.file().name());
        let help = "add `files: { docker-compose.yml: { template: PATH, when: CONDITION } }`";
        return Err(Error::new(ErrorKind::Matrix, message).help(help));
    }
    let root = &Root::of(&args.select.file);
    let access = &Access::of(&args.select.file, &args.select.grants);
    let files = rendered(matrix, root, access)?;
    let mut wrong = Diagnostics::default();
    files.iter().filter_map(|(path, file)| within(path, file, root).err()).for_each(|finding| {
        wrong.push(*finding);
    });
    wrong.check(())?;
    if args.check {
        let drift = drift(&files)?;
        let what = match files.as_slice() {
            [(path, _)] => format!("{} is", path.display()),
            _ => format!("the files of {} are", matrix.file().name()),
        };
        drift.summary(&what, "onebuild render --files").map_or(Ok(()), Err)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, file) in &files {
        let word = if put(path, &file.text)? { "written" } else { "up to date" };
        output::stderr(&format!("{}: {word}\n", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Every file with the path that it is written to.
pub(super) fn rendered(
    matrix: &Matrix,
    root: &Root,
    access: &Access,
) -> Result<Vec<(PathBuf, RenderedFile)>, Error> {
    let templates = templates(matrix, root, access)?;
    let overrides = Overrides::default();
    let cells = matrix.select(&Selection::default(), &overrides)?.expand()?.cells;
    let files = committed(matrix, &cells, &templates)?;
    Ok(files.into_iter().map(|file| (root.join(&file.path), file)).collect())
}

/// The templates of the files alone.
pub(super) fn templates(matrix: &Matrix, root: &Root, access: &Access) -> Result<Templates, Error> {
    prepare::templates(root, access, PLACE, |templates| templates.needed_by(matrix.file_rules()))
}

/// How the files differ from what is there.
pub(super) fn drift(files: &[(PathBuf, RenderedFile)]) -> Result<Drift, Error> {
    let mut drift = Drift::new();
    files.iter().try_for_each(|(path, file)| drift.compare(path, &file.text))?;
    Ok(drift)
}

/// Fails where a file may not be written: in Git's own directory, or out of `root` by a link.
pub(super) fn within(path: &Path, file: &RenderedFile, root: &Root) -> Result<(), Box<Diagnostic>> {
    let there = path.ancestors().find(|path| fs::symlink_metadata(path).is_ok());
    let there = there.unwrap_or(Path::new("."));
    let allowed = targets::check(path)
        .and_then(|()| prepare::inside(there, root, PLACE).map_err(|error| why(&error)));
    allowed.map_err(|why| {
        let message = format!("{} cannot be written", path.display());
        Box::new(Diagnostic::error(message).at(&file.span, why))
    })
}

/// The first flag that says another matrix than the file. Variables of the environment are there
/// for builds, and stay without meaning here.
fn given(select: &SelectArgs) -> Option<String> {
    let from_environment =
        |name: &str| select.environment.iter().any(|known| known == &format!("ONEBUILD_{name}"));
    let axis = select.axes.first().map(|pick| format!("--{}", pick.axis));
    let flags = [
        ("--only", !select.only.is_empty()),
        ("--skip", !select.skip.is_empty()),
        ("--add", !select.add.is_empty()),
        ("--platform", !select.platform.is_empty() && !from_environment("PLATFORM")),
        ("--image", !select.image.is_empty() && !from_environment("IMAGE")),
        ("--tag-prefix", select.tag_prefix.is_some() && !from_environment("TAG_PREFIX")),
        ("--var", !select.var.is_empty()),
        ("--build-arg", !select.build_arg.is_empty()),
        ("--base", !select.base.is_empty()),
    ];
    let flag = flags.into_iter().find(|(_, is_given)| *is_given);
    axis.or_else(|| flag.map(|(flag, _)| flag.to_owned()))
}
