//! `onebuild render --files`: the files that the matrix names in `files`.

use std::process::ExitCode;

use crate::commands::prepare;
use crate::config::CellChoice;
use crate::error::{Diagnostics, Error, ErrorKind};
use crate::matrix::Matrix;
use crate::run::terminal;
use crate::workspace::access::Access;
use crate::workspace::rendered_files;
use crate::workspace::write::put;

pub(super) fn run(matrix: &Matrix, cells: &CellChoice, check: bool) -> Result<ExitCode, Error> {
    // Environment variables are meant for builds and are ignored here.
    if let Some(flag) = &cells.first_flag {
        let message = format!("{flag} cannot be combined with --files");
        let help =
            "the files must not depend on the command line: leave it out, or change matrix.yaml";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    terminal::warn(&prepare::open_warnings(matrix), cells.strict)?;
    if matrix.file_rules().is_empty() {
        let message = format!("{} has no `files`", matrix.file().name());
        let help = "add `files: { docker-compose.yml: { template: PATH, when: CONDITION } }`";
        return Err(Error::new(ErrorKind::Matrix, message).help(help));
    }
    let root = &cells.root();
    let access = &Access::of(&cells.file, &cells.grants);
    let files = rendered_files::rendered(matrix, root, access)?;
    let mut wrong = Diagnostics::default();
    files
        .iter()
        .filter_map(|(path, file)| rendered_files::within(path, file, root).err())
        .for_each(|finding| {
            wrong.push(*finding);
        });
    wrong.check(())?;
    if check {
        let drift = rendered_files::drift(&files)?;
        let what = match files.as_slice() {
            [(path, _)] => format!("{} is", path.display()),
            _ => format!("the files of {} are", matrix.file().name()),
        };
        drift.summary(&what, "onebuild render --files").map_or(Ok(()), Err)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, file) in &files {
        let word = if put(path, &file.text)? { "written" } else { "up to date" };
        terminal::stderr(&format!("{}: {word}\n", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}
