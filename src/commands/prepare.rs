//! From the command line to build requests, for `build`, `matrix`, `render` and `plan`.

use std::mem::take;

use super::inputs;
use crate::allow::{Allows, Asked};
use crate::check::{Subject, acknowledge, check, without_stages, wrong_targets};
use crate::config::CellChoice;
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, Span};
use crate::input::Root;
use crate::matrix::{Cell, Matrix, Overrides, Selection, changing};
use crate::plan::{BuildOptions, BuildRequest, Sources, plan};
use crate::run::terminal;
use crate::workspace::access::Access;
use crate::workspace::needs::{Needs, Purpose};
use crate::workspace::plan_files::{Templates, plan_files};
use crate::workspace::{git, rendered_files};

/// The cells of a command line, ready to build.
pub(super) struct Prepared {
    pub(super) cells: Vec<Cell>,
    pub(super) requests: Vec<BuildRequest>,
    /// The templates of the requests.
    pub(super) sources: Sources,
    /// The places of each `<%` in templates that is not a placeholder.
    pub(super) plain_signs: Vec<Span>,
    /// The acknowledgements in the matrix and in the templates.
    pub(super) allows: Allows,
    /// Whether these are all cells of the matrix, without overrides: only then is an unused setting
    /// unused everywhere.
    pub(super) whole: bool,
    /// The access that the matrix needs outside its repository.
    pub(super) needs: Needs,
}

/// The selected cells and their build requests. Shows the warnings.
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

/// The same, but returns the warnings that are not acknowledged.
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

impl Prepared {
    /// The same if every Dockerfile has a stage. `render` prints them nevertheless.
    pub(super) fn buildable(self) -> Result<Self, Error> {
        without_stages(&self.cells, &self.requests, &self.sources).check(())?;
        Ok(self)
    }
}

/// The warnings about the matrix itself that are not acknowledged.
pub(super) fn open_warnings(matrix: &Matrix) -> Diagnostics {
    matrix.allows().clone().filter(matrix.warnings().clone())
}

/// Like [`judged`], but adds all warnings to `warnings`, acknowledged or not, even if it fails.
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
        // Report all missing grants that are known so far, without reading templates.
        needs.check(purpose)?;
    }
    let Planned { requests, sources, plain_signs } =
        planned(matrix, &cells, root, access, options, warnings)
            .map_err(|error| blamed(matrix, choice, root, access, error))?;
    needs.of_steps(&cells, &requests, &sources, access);
    needs.check(purpose)?;
    let whole = everything && !changes(&choice.overrides);
    let every = || all_requests(matrix, root, access);
    let subject = Subject {
        matrix,
        cells: &cells,
        requests: &requests,
        sources: &sources,
        whole: if whole { None } else { Some(&every) },
    };
    warnings.extend(check(subject));
    wrong_targets(subject).check(())?;
    let mut allows = matrix.allows().clone();
    acknowledge(&requests, &sources, &mut allows);
    Ok(Prepared { cells, requests, sources, plain_signs, allows, whole, needs })
}

/// The selected cells. Shows the warnings.
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
    /// Whether all cells of the matrix are selected.
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
        .and_then(|selected| selected.named(&choice.selection.cells))
        .map_err(|wrong| Error::found(ErrorKind::Usage, wrong))?;
    if let Some(asked) = matrix.wants_facts() {
        let git::Found { facts, trust } = git::facts(&root)?;
        if let Some(command) = trust {
            let message = "Git does not read this repository, because it belongs to another user";
            let finding = Diagnostic::warning(message).at(asked, "`auto` uses its commit");
            warnings.push(finding.help(format!("if you trust it, run: {command}")));
        } else if facts.revision.is_none() {
            let message = "there is no Git commit to label the images with";
            let finding = Diagnostic::warning(message).at(asked, "");
            warnings.push(finding.help("`auto` uses the revision, source and time of the commit"));
        }
        selected = selected.with_facts(facts);
    }
    let expansion = selected.expand();
    let expansion =
        expansion.map_err(|wrong| matrix.blame(&choice.selection, &overrides, wrong))?;
    warnings.extend(expansion.warnings);
    Ok(Selected { cells: expansion.cells, everything: selected.is_everything() })
}

struct Planned {
    requests: Vec<BuildRequest>,
    sources: Sources,
    plain_signs: Vec<Span>,
}

/// The build requests of `cells`, and their templates.
fn planned(
    matrix: &Matrix,
    cells: &[Cell],
    root: &Root,
    access: &Access,
    options: &BuildOptions,
    warnings: &mut Diagnostics,
) -> Result<Planned, Error> {
    let mut files = plan_files(root, access, Templates::Dockerfiles, |files| files.needed(cells))?;
    let mut plain_signs: Vec<Span> = files.plain_signs().collect();
    // Some vars may be used only by them. Their errors are reported elsewhere.
    if let Ok(others) = rendered_files::templates(matrix, root, access) {
        plain_signs.extend(others.plain_signs());
        files.also_used(others.names());
    }
    let plan = plan(matrix, cells, &files, root, options)?;
    warnings.extend(plan.warnings);
    Ok(Planned { requests: plan.requests, sources: files.sources(), plain_signs })
}

/// Points at the flags if the templates have no errors without them.
fn blamed(
    matrix: &Matrix,
    choice: &CellChoice,
    root: &Root,
    access: &Access,
    error: Error,
) -> Error {
    let is_found = error.kind() == ErrorKind::Matrix && !error.diagnostics().is_empty();
    match changing(&choice.selection, &choice.overrides) {
        Some(flags) if is_found && all_requests(matrix, root, access).is_some() => {
            error.diagnostics().clone().caused_at(&flags).into()
        }
        _ => error,
    }
}

/// Whether flags override settings of the cells: then rules may find less than without these flags.
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

/// The requests of all cells of the matrix, without overrides; `None` if there are errors, which are
/// reported elsewhere.
fn all_requests(matrix: &Matrix, root: &Root, access: &Access) -> Option<Vec<BuildRequest>> {
    let overrides = Overrides::default();
    let mut cells = matrix.select(&Selection::default(), &overrides).ok()?.expand().ok()?.cells;
    // No rule looks at the scripts of tests.
    cells.iter_mut().for_each(|cell| cell.smoke = None);
    let files =
        plan_files(root, access, Templates::Dockerfiles, |files| files.needed(&cells)).ok()?;
    let plan = plan(matrix, &cells, &files, root, &Default::default()).ok()?;
    Some(plan.requests)
}
