//! From the command line to build requests: what `build`, `matrix`, `render` and `plan` share.

use std::collections::HashMap;
use std::mem::take;
use std::path::{Path, PathBuf};

use indexmap::IndexSet;

use super::inputs;
use crate::allow::{Allows, Asked};
use crate::check::{Subject, acknowledge, check};
use crate::cli::{InputArgs, SelectArgs};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind};
use crate::input::{Inputs, Root};
use crate::matrix::{Cell, Matrix, Overrides, Selection, Unnamed};
use crate::plan::{BuildOptions, BuildRequest, Sources, plan};
use crate::run::terminal;
use crate::workspace::access::Access;
use crate::workspace::needs::{Needs, Purpose, missing_file, refused};
use crate::workspace::templates::templates;
use crate::workspace::text::text;
use crate::workspace::{git, rendered_files, scripts};

/// The folder that templates of Dockerfiles lie in.
const CONTEXT: &str = "context folder";

/// What a command line asks for, and what is odd about it but stops nothing.
pub(super) struct Prepared {
    pub(super) cells: Vec<Cell>,
    pub(super) requests: Vec<BuildRequest>,
    /// The templates of the requests.
    pub(super) sources: Sources,
    /// The acknowledgements in the matrix and in the templates.
    pub(super) allows: Allows,
    /// Whether these are all cells of the matrix, as its files have them: what is of no use to them
    /// is of no use at all.
    pub(super) whole: bool,
    /// What the matrix asks for beyond its repository.
    pub(super) needs: Needs,
}

/// The cells that the command line selects and their build requests, the warnings shown.
pub(super) fn prepared(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
    options: &BuildOptions,
    purpose: Purpose,
) -> Result<Prepared, Error> {
    let (prepared, warnings) = judged(matrix, args, inputs, unnamed, options, purpose)?;
    terminal::warn(&warnings, args.strict)?;
    Ok(prepared)
}

/// The same, its warnings not shown yet: those that are not acknowledged.
pub(super) fn judged(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
    options: &BuildOptions,
    purpose: Purpose,
) -> Result<(Prepared, Diagnostics), Error> {
    let mut warnings = matrix.warnings().clone();
    let prepared = all(matrix, args, inputs, unnamed, options, purpose, &mut warnings);
    let mut prepared = prepared.or_else(|error| {
        terminal::warn(&matrix.allows().clone().filter(take(&mut warnings)), args.strict)?;
        Err(error)
    })?;
    warnings = prepared.allows.filter(warnings);
    warnings.extend(prepared.allows.wrong().clone());
    if prepared.whole {
        warnings.extend(prepared.allows.unused(Asked::default()));
    }
    Ok((prepared, warnings))
}

/// The warnings of the matrix alone that are not acknowledged.
pub(super) fn open_warnings(matrix: &Matrix) -> Diagnostics {
    matrix.allows().clone().filter(matrix.warnings().clone())
}

/// The same, nothing judged yet. What is odd is added to `warnings`, also where an error ends it.
pub(super) fn all(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
    options: &BuildOptions,
    purpose: Purpose,
    warnings: &mut Diagnostics,
) -> Result<Prepared, Error> {
    let Selected { cells, everything } = selected(matrix, args, inputs, unnamed, warnings)?;
    inputs::check(inputs, cells.len())?;
    let root = &Root::of(&args.file);
    let access = &Access::of(&args.file, &args.grants);
    let mut needs = Needs::of(matrix, &cells, root, access, options);
    if needs.lacks_templates() {
        // Nothing is read, and all that is known by now is reported at once.
        needs.check(purpose)?;
    }
    let (requests, sources) = planned(matrix, &cells, root, access, options, warnings)?;
    needs.of_steps(&cells, &requests, &sources, access);
    needs.check(purpose)?;
    let whole = everything && !changes(args, inputs);
    let every = || all_requests(matrix, root, access);
    warnings.extend(check(Subject {
        matrix,
        cells: &cells,
        requests: &requests,
        sources: &sources,
        whole: if whole { None } else { Some(&every) },
    }));
    let mut allows = matrix.allows().clone();
    acknowledge(&requests, &sources, &mut allows);
    Ok(Prepared { cells, requests, sources, allows, whole, needs })
}

/// The cells that the command line selects, the warnings shown.
pub(super) fn cells(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
) -> Result<Vec<Cell>, Error> {
    let mut warnings = matrix.warnings().clone();
    let selected = selected(matrix, args, inputs, unnamed, &mut warnings);
    terminal::warn(&matrix.allows().clone().filter(warnings), args.strict)?;
    let Selected { cells, .. } = selected?;
    inputs::check(inputs, cells.len())?;
    Ok(cells)
}

struct Selected {
    cells: Vec<Cell>,
    /// Whether no cell of the matrix is left out.
    everything: bool,
}

fn selected(
    matrix: &Matrix,
    args: &SelectArgs,
    inputs: &InputArgs,
    unnamed: Unnamed,
    warnings: &mut Diagnostics,
) -> Result<Selected, Error> {
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
    if let Some(asked) = matrix.wants_facts() {
        let facts = git::facts(&root)?;
        if facts.revision.is_none() {
            let message = "there is no Git commit to label the images with";
            let finding = Diagnostic::warning(message).at(asked, "");
            warnings.push(finding.help("`auto` takes revision, source and time of the commit"));
        }
        selected = selected.with_facts(facts);
    }
    let expansion = selected.expand()?;
    warnings.extend(expansion.warnings);
    Ok(Selected { cells: expansion.cells, everything: selected.is_everything() })
}

/// The build requests of `cells`, with the templates that they are made of.
fn planned(
    matrix: &Matrix,
    cells: &[Cell],
    root: &Root,
    access: &Access,
    options: &BuildOptions,
    warnings: &mut Diagnostics,
) -> Result<(Vec<BuildRequest>, Sources), Error> {
    let mut templates = templates(root, access, CONTEXT, |templates| templates.needed(cells))?;
    // A var may be there for them alone; what else is wrong with them is not for now.
    if let Ok(others) = rendered_files::templates(matrix, root, access) {
        templates.also_used(others.names());
    }
    let plan = plan(matrix, cells, &templates, root, options)?;
    warnings.extend(plan.warnings);
    let mut requests = plan.requests;
    scripts::read(&mut requests, root)?;
    let mut ignores = HashMap::new();
    let mut missing = Vec::new();
    for (cell, request) in cells.iter().zip(&mut requests) {
        let template = request.recipe.context.join(&*cell.dockerfile);
        let ignore = ignores.entry(template).or_insert_with_key(|template| {
            let path = own_ignore(template);
            match access.lacks_read(&path).filter(|_| path.is_file()) {
                Some(grant) => {
                    let message = format!("{} is a link out of the repository", path.display());
                    missing.push(missing_file(grant, &cell.dockerfile_span, message));
                    None
                }
                None => text(&path).ok().map(|file| file.text().into()),
            }
        });
        request.recipe.dockerignore.clone_from(ignore);
    }
    refused(&missing)?;
    Ok((requests, templates.sources()))
}

/// Whether flags say of the cells what the matrix does not: a rule may then find less than it finds
/// without them.
fn changes(args: &SelectArgs, inputs: &InputArgs) -> bool {
    !args.platform.is_empty()
        || !args.var.is_empty()
        || !args.build_arg.is_empty()
        || !args.base.is_empty()
        || inputs.target.is_some()
        || !inputs.build_context.is_empty()
        || !inputs.secret.is_empty()
        || !inputs.ssh.is_empty()
}

/// The requests of all cells of the matrix, as its files have them; none where one of them cannot be
/// made, which is not for now.
fn all_requests(matrix: &Matrix, root: &Root, access: &Access) -> Option<Vec<BuildRequest>> {
    let overrides = Overrides::default();
    let cells = matrix.select(&Selection::default(), &overrides).ok()?.expand().ok()?.cells;
    let templates = templates(root, access, CONTEXT, |templates| templates.needed(&cells)).ok()?;
    let plan = plan(matrix, &cells, &templates, root, &Default::default()).ok()?;
    Some(plan.requests)
}

/// What Docker lets stand beside one Dockerfile in place of the context's `.dockerignore`.
fn own_ignore(template: &Path) -> PathBuf {
    let mut name = template.as_os_str().to_owned();
    name.push(".dockerignore");
    name.into()
}

fn overrides(args: &SelectArgs) -> Result<Overrides, Error> {
    let build_arg = |(name, value): &(String, Option<String>)| match value {
        Some(value) => Ok((name.as_str().into(), value.as_str().into())),
        None => match std::env::var(name) {
            Ok(value) => Ok((name.as_str().into(), value.into())),
            Err(_) => {
                let message = format!("the environment has no `{name}` for --build-arg {name}");
                let help = format!("write --build-arg {name}=VALUE");
                Err(Error::new(ErrorKind::Usage, message).help(help))
            }
        },
    };
    // Two of one platform in an index are one image twice.
    let platforms = args.platform.iter().cloned().collect::<IndexSet<_>>().into_iter().collect();
    Ok(Overrides {
        images: args.image.clone(),
        tag_prefix: args.tag_prefix.clone().unwrap_or_default(),
        platforms,
        vars: args.var.iter().cloned().collect(),
        inputs: Inputs {
            args: args.build_arg.iter().map(build_arg).collect::<Result<_, Error>>()?,
            bases: args.base.iter().map(|base| (base.name.clone(), base.base.clone())).collect(),
            ..Inputs::default()
        },
        environment: args.environment.clone(),
        ..Overrides::default()
    })
}
