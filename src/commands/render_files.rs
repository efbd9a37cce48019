//! `onebuild render --files`: the files that the matrix names in `files`.

use std::process::ExitCode;

use super::prepare;
use crate::cli::{RenderArgs, SelectArgs};
use crate::error::{Diagnostics, Error, ErrorKind};
use crate::input::Root;
use crate::matrix::Matrix;
use crate::run::terminal;
use crate::workspace::access::Access;
use crate::workspace::rendered_files;
use crate::workspace::write::put;

pub(super) fn run(matrix: &Matrix, args: &RenderArgs) -> Result<ExitCode, Error> {
    if let Some(flag) = given(&args.select) {
        let message = format!("{flag} means nothing to --files");
        let help = "what is committed is the same for every run: say it in matrix.yaml";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    terminal::warn(&prepare::open_warnings(matrix), args.select.strict)?;
    if matrix.file_rules().is_empty() {
        let message = format!("{} has no `files`", matrix.file().name());
        let help = "add `files: { docker-compose.yml: { template: PATH, when: CONDITION } }`";
        return Err(Error::new(ErrorKind::Matrix, message).help(help));
    }
    let root = &Root::of(&args.select.file);
    let access = &Access::of(&args.select.file, &args.select.grants);
    let files = rendered_files::rendered(matrix, root, access)?;
    let mut wrong = Diagnostics::default();
    files
        .iter()
        .filter_map(|(path, file)| rendered_files::within(path, file, root).err())
        .for_each(|finding| {
            wrong.push(*finding);
        });
    wrong.check(())?;
    if args.check {
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
