//! From the command line to build requests: what `build`, `matrix`, `render` and `plan` share.

use std::collections::HashMap;
use std::mem::take;
use std::path::{Path, PathBuf};

use super::inputs;
use crate::allow::{Allows, Asked};
use crate::check::{Subject, acknowledge, check};
use crate::config::CellChoice;
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind};
use crate::input::Root;
use crate::matrix::{Cell, Matrix, Overrides, Selection};
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
    choice: &CellChoice,
    options: &BuildOptions,
    purpose: Purpose,
) -> Result<Prepared, Error> {
    let (prepared, warnings) = judged(matrix, choice, options, purpose)?;
    terminal::warn(&warnings, choice.strict)?;
    Ok(prepared)
}

/// The same, its warnings not shown yet: those that are not acknowledged.
pub(super) fn judged(
    matrix: &Matrix,
    choice: &CellChoice,
    options: &BuildOptions,
    purpose: Purpose,
) -> Result<(Prepared, Diagnostics), Error> {
    let mut warnings = matrix.warnings().clone();
    let prepared = all(matrix, choice, options, purpose, &mut warnings);
    let mut prepared = prepared.or_else(|error| {
        terminal::warn(&matrix.allows().clone().filter(take(&mut warnings)), choice.strict)?;
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
    choice: &CellChoice,
    options: &BuildOptions,
    purpose: Purpose,
    warnings: &mut Diagnostics,
) -> Result<Prepared, Error> {
    let Selected { cells, everything } = selected(matrix, choice, warnings)?;
    inputs::check(choice, cells.len())?;
    let root = &choice.root();
    let access = &Access::of(&choice.file, &choice.grants);
    let mut needs = Needs::of(matrix, &cells, root, access, options);
    if needs.lacks_templates() {
        // Nothing is read, and all that is known by now is reported at once.
        needs.check(purpose)?;
    }
    let (requests, sources) = planned(matrix, &cells, root, access, options, warnings)?;
    needs.of_steps(&cells, &requests, &sources, access);
    needs.check(purpose)?;
    let whole = everything && !changes(&choice.overrides);
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
pub(super) fn cells(matrix: &Matrix, choice: &CellChoice) -> Result<Vec<Cell>, Error> {
    let mut warnings = matrix.warnings().clone();
    let selected = selected(matrix, choice, &mut warnings);
    terminal::warn(&matrix.allows().clone().filter(warnings), choice.strict)?;
    let Selected { cells, .. } = selected?;
    inputs::check(choice, cells.len())?;
    Ok(cells)
}

struct Selected {
    cells: Vec<Cell>,
    /// Whether no cell of the matrix is left out.
    everything: bool,
}

fn selected(
    matrix: &Matrix,
    choice: &CellChoice,
    warnings: &mut Diagnostics,
) -> Result<Selected, Error> {
    let root = choice.root();
    let overrides = inputs::relative_to(&root, &choice.overrides);
    let mut selected = matrix
        .select(&choice.selection, &overrides)
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
fn changes(overrides: &Overrides) -> bool {
    let Overrides { platforms, vars, inputs, .. } = overrides;
    !platforms.is_empty()
        || !vars.is_empty()
        || !inputs.args.is_empty()
        || !inputs.bases.is_empty()
        || inputs.target.is_some()
        || !inputs.contexts.is_empty()
        || !inputs.secrets.is_empty()
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
