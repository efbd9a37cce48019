//! From the command line to build requests: what `build`, `matrix`, `render` and `plan` share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{committed, facts, inputs, load, output, scripts};
use crate::cli::{InputArgs, SelectArgs};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, why};
use crate::matrix::{Cell, Matrix, Overrides, Selection, Unnamed};
use crate::plan::{BuildOptions, BuildRequest, Needed, Root, Templates, plan};

/// The folder that templates of Dockerfiles lie in.
const CONTEXT: &str = "context folder";

/// The cells that the command line selects.
pub(super) fn cells(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
) -> Result<Vec<Cell>, Error> {
    let (cells, warnings) = selected(matrix, args, inputs, unnamed)?;
    inputs::check(inputs, cells.len())?;
    output::warn(&warnings, args.strict)?;
    Ok(cells)
}

/// The same, its warnings not told yet.
pub(super) fn selected(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
) -> Result<(Vec<Cell>, Diagnostics), Error> {
    let selection = Selection {
        only: args.only.iter().chain(&args.axes).cloned().collect(),
        skip: args.skip.clone(),
        add: args.add.clone(),
        unnamed,
    };
    let root = Root::of(&args.file);
    let mut overrides = overrides(args)?;
    inputs::add(&mut overrides, inputs, &root);
    let mut selected = matrix
        .select(&selection, &overrides)
        .map_err(|wrong| Error::found(ErrorKind::Usage, wrong))?;
    let mut warnings = Diagnostics::default();
    if let Some(asked) = matrix.wants_facts() {
        let facts = facts::facts(&root)?;
        if facts.revision.is_none() {
            let message = "there is no Git commit to label the images with";
            let finding = Diagnostic::warning(message).at(asked, "");
            warnings.push(finding.help("`auto` takes revision, source and time of the commit"));
        }
        selected = selected.with_facts(facts);
    }
    let expansion = selected.expand()?;
    warnings.extend(expansion.warnings);
    Ok((expansion.cells, warnings))
}

/// The build requests of `cells`.
pub(super) fn requests(
    matrix: &Matrix,
    cells: &[Cell],
    args: &SelectArgs,
    options: &Arc<BuildOptions>,
) -> Result<Vec<BuildRequest>, Error> {
    let (requests, warnings) = planned(matrix, cells, args, options)?;
    output::warn(&warnings, args.strict)?;
    Ok(requests)
}

/// The same, its warnings not told yet.
pub(super) fn planned(
    matrix: &Matrix,
    cells: &[Cell],
    args: &SelectArgs,
    options: &Arc<BuildOptions>,
) -> Result<(Vec<BuildRequest>, Diagnostics), Error> {
    let root = Root::of(&args.file);
    let mut templates = templates(&root, CONTEXT, |templates| templates.needed(cells))?;
    // A var may be there for them alone; what else is wrong with them is not for now.
    if let Ok(others) = committed::templates(matrix, &root) {
        templates.also_used(others.names());
    }
    let plan = plan(matrix, cells, &templates, &root, options)?;
    let mut requests = plan.requests;
    scripts::read(&mut requests, &root)?;
    let mut ignores = HashMap::new();
    for (cell, request) in cells.iter().zip(&mut requests) {
        let template = request.context.join(&*cell.dockerfile);
        let ignore = ignores.entry(template).or_insert_with_key(|template| own_ignore(template));
        request.dockerignore.clone_from(ignore);
    }
    Ok((requests, plan.warnings))
}

/// What Docker lets stand beside one Dockerfile in place of the context's `.dockerignore`.
fn own_ignore(template: &Path) -> Option<Arc<str>> {
    let mut name = template.as_os_str().to_owned();
    name.push(".dockerignore");
    load::text(Path::new(&name)).ok().map(|file| file.text().into())
}

fn overrides(args: &SelectArgs) -> Result<Overrides, Error> {
    let build_arg = |(name, value): &(String, Option<String>)| match value {
        Some(value) => Ok((name.clone(), value.clone())),
        None => match std::env::var(name) {
            Ok(value) => Ok((name.clone(), value)),
            Err(_) => {
                let message = format!("the environment has no `{name}` for --build-arg {name}");
                let help = format!("write --build-arg {name}=VALUE");
                Err(Error::new(ErrorKind::Usage, message).help(help))
            }
        },
    };
    Ok(Overrides {
        images: args.image.clone(),
        tag_prefix: args.tag_prefix.clone().unwrap_or_default(),
        platforms: args.platform.clone(),
        vars: args.var.iter().cloned().collect(),
        args: args.build_arg.iter().map(build_arg).collect::<Result<_, Error>>()?,
        bases: args.base.iter().map(|base| (base.name.clone(), base.base.clone())).collect(),
        environment: args.environment.clone(),
        ..Overrides::default()
    })
}

/// Reads every template that is needed, from the folder that `place` names; all that cannot be read
/// are told at once.
pub(super) fn templates(
    root: &Root,
    place: &str,
    needed: impl Fn(&Templates) -> Vec<Needed>,
) -> Result<Templates, Error> {
    let mut templates = Templates::default();
    let mut errors = Diagnostics::default();
    loop {
        let needed = needed(&templates);
        if needed.is_empty() {
            return Ok(templates);
        }
        for file in needed {
            let path = root.join(&file.path);
            let read =
                inside(&path, &root.join(&file.folder), place).and_then(|()| load::text(&path));
            let found = match read {
                Ok(source) => templates.insert(&file.path, source),
                Err(error) => {
                    let message = format!("the template {} cannot be read", path.display());
                    let finding = Diagnostic::error(message).at(&file.span, why(&error));
                    let help = format!("it is looked for in the {place}, `{}`", file.folder);
                    Err(finding.help(help).into())
                }
            };
            if let Err(found) = found {
                errors.extend(found);
            }
        }
        if errors.has_errors() {
            return Err(errors.into());
        }
    }
}

/// Fails when `path` leads out of `folder`, by a link or by itself. `place` is what it is called.
pub(super) fn inside(path: &Path, folder: &Path, place: &str) -> std::io::Result<()> {
    let folder: PathBuf = folder.canonicalize()?;
    let path = path.canonicalize()?;
    if path.starts_with(&folder) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("it lies outside of the {place}")))
}
