//! From cells and templates to build requests.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::base_labels::{self, UnknownBase};
use super::files::{PlanFiles, unread};
use super::privileges::{Privileges, privileges};
use super::request::{BuildOptions, BuildRequest, Delivery, Policy, Recipe};
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::input::{Cache, Retry, Root, SharedPlace, SmokeCommand};
use crate::matrix::{Cell, Matrix};
use crate::template::{NameUse, or_foreign};

/// The build requests of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One for each cell, in the same order.
    pub requests: Vec<BuildRequest>,
    /// Warnings about the templates. The matrix has warnings of its own.
    pub warnings: Diagnostics,
}

/// Maximum number of reported errors: every cell can add its own, and more of them add nothing new.
const ENOUGH_ERRORS: usize = 50;

/// Maximum size of all rendered Dockerfiles in memory, in bytes.
const MOST_TEXT: usize = 512 << 20;

fn too_much(cell: &Cell, made: usize, of: usize, size: usize) -> Diagnostic {
    let message = format!(
        "the distinct Dockerfiles of {made} of {of} cells have {} MiB; the maximum is \
         {} MiB",
        size >> 20,
        MOST_TEXT >> 20
    );
    let help =
        "select fewer cells with `--only axis=value`, or use fewer placeholders in long templates";
    let finding = Diagnostic::error(message).help(help);
    let text = "the template of the last cell";
    cell.template_span().iter().fold(finding, |finding, span| finding.at(span, text))
}

/// Renders the Dockerfile of every cell. `root` is the directory of matrix.yaml. The paths of the requests
/// are relative to the same directory as `root`.
pub fn plan(
    matrix: &Matrix,
    cells: &[Cell],
    files: &PlanFiles,
    root: &Root,
    options: &BuildOptions,
) -> Result<Plan, Diagnostics> {
    let mut errors = Diagnostics::default();
    // Names first: this also finds a misspelt name in a branch that no cell takes, and reports it once.
    if let Some(cell) = cells.first() {
        for used in files.names() {
            undefined(&used, cell, matrix, &mut errors);
        }
    }
    let mut requests = Vec::with_capacity(cells.len());
    let mut unknown = Vec::new();
    let (mut known, mut size) = (HashSet::new(), 0);
    let is_one_for_each = options.is_one_for_each(cells.len());
    for cell in cells {
        match request(cell, files, root, options, is_one_for_each) {
            Ok((mut request, base)) => {
                // Cells with equal Dockerfiles share one.
                match known.get(&request.recipe.dockerfile) {
                    Some(shared) => request.recipe.dockerfile = Arc::clone(shared),
                    None => {
                        size += request.recipe.dockerfile.size();
                        known.insert(request.recipe.dockerfile.clone());
                    }
                }
                unknown.extend(base.map(|base| (requests.len(), base)));
                requests.push(request);
            }
            Err(found) => errors.extend(found),
        }
        if size > MOST_TEXT {
            errors.push(too_much(cell, requests.len(), cells.len(), size));
            break;
        }
        if errors.len() >= ENOUGH_ERRORS {
            break;
        }
    }
    errors.check(())?;
    let mut warnings = overwritten(cells, &requests);
    warnings.extend(unknown_bases(files, &requests, unknown));
    // A selection reads only some of the templates, and another template may use the var.
    if matrix.is_covered_by(cells) {
        warnings.extend(matrix.unused_vars(&files.used()));
    }
    Ok(Plan { requests, warnings })
}

fn request(
    cell: &Cell,
    files: &PlanFiles,
    root: &Root,
    options: &BuildOptions,
    is_one_for_each: bool,
) -> Result<(BuildRequest, Option<UnknownBase>), Diagnostics> {
    let Some(template) = files.dockerfile(cell) else {
        return Err(unread("template", &cell.dockerfile, cell.template_span().as_ref()));
    };
    let folder = cell.include_directory();
    let includes = |name: &str| files.template(&folder, name);
    let dockerfile = template.render(&cell.scope, &includes)?;
    let beside = |path: &Path| root.join(path);
    let own = |cache: &Cache| cache.of_cell(&cell.name).with_folder(beside);
    let mut recipe = Recipe {
        dockerfile: Arc::new(dockerfile),
        dockerignore: files.ignore_file(cell),
        context: beside(Path::new(&*cell.context)),
        platforms: cell.platforms.to_vec(),
        inputs: cell.inputs.clone().with_paths(beside),
        privileges: Privileges::default(),
        media_types: cell.media_types,
        provenance: options.provenance,
        pin: None,
    };
    recipe.privileges = privileges(&recipe);
    let unknown = base_labels::label(cell.base, &mut recipe);
    let policy = Policy {
        caches: cell.caches.map(own),
        no_cache: options.no_cache,
        pull: options.pull,
        history: options.history,
        smoke: cell.smoke.clone(),
        script: script(cell, files)?,
        skip_smoke: options.skip_smoke,
        strict: options.strict,
        retry: Retry {
            retries: options.retries.or(cell.retry.retries),
            when: cell.retry.when.clone(),
        },
    };
    let output = match is_one_for_each {
        true => options.output.of_cell(&cell.name),
        false => options.output.clone(),
    };
    let delivery = Delivery { references: cell.references.clone(), output };
    Ok((BuildRequest { cell: cell.name.clone(), recipe, delivery, policy }, unknown))
}

/// The script that the smoke test of `cell` runs, where it runs one.
fn script(cell: &Cell, files: &PlanFiles) -> Result<Option<Arc<[u8]>>, Diagnostics> {
    let Some(smoke) = &cell.smoke else { return Ok(None) };
    let Some(SmokeCommand::Script(path)) = &smoke.command else { return Ok(None) };
    let unread = || unread("script", &path.display().to_string(), Some(&smoke.span));
    files.script(path).cloned().ok_or_else(unread).map(Some)
}

/// A warning for each `FROM` of a template whose base cannot be named by one label.
fn unknown_bases(
    files: &PlanFiles,
    requests: &[BuildRequest],
    unknown: Vec<(usize, UnknownBase)>,
) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    let sources = (!unknown.is_empty()).then(|| files.sources());
    for (number, UnknownBase { line, message }) in unknown {
        let dockerfile = &requests[number].recipe.dockerfile;
        let place = sources.as_ref().and_then(|sources| sources.line(dockerfile, line));
        let finding = Diagnostic::warning(message)
            .rule("unknown-base")
            .note("no label names the base image, and the labels inherited from it are empty")
            .help("set the labels in the matrix, or remove `base` from `auto`");
        let finding = match &place {
            Some(span) => finding.at(span, ""),
            None => finding,
        };
        // Cells that share a template get one warning.
        if !warnings.iter().any(|known| *known == finding) {
            warnings.push(finding);
        }
    }
    warnings
}

/// A warning for cells that would overwrite each other's caches.
fn overwritten(cells: &[Cell], requests: &[BuildRequest]) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    let mut owners: HashMap<SharedPlace, &BuildRequest> = HashMap::new();
    for (cell, request) in cells.iter().zip(requests) {
        for shared in request.policy.caches.to.iter().filter_map(Cache::shared_place) {
            let SharedPlace { place, named_by } = shared.clone();
            let Some(first) = owners.insert(shared, request) else { continue };
            let message = format!(
                "several cells write to the cache `{place}`, and only the last one remains"
            );
            let finding = Diagnostic::warning(message);
            let finding = match cell.cache_to_span() {
                Some(span) => finding.at(span, ""),
                None => finding,
            };
            warnings.push(
                finding
                    .note(format!("two of them are {} and {}", first.cell, request.cell))
                    .help(format!("remove its {named_by}: each cell then gets its own cache")),
            );
        }
    }
    warnings
}

pub(super) fn undefined(used: &NameUse, cell: &Cell, matrix: &Matrix, errors: &mut Diagnostics) {
    if used.optional || matrix.defines(&used.name) {
        return;
    }
    // The same message as from rendering, so that it is reported once.
    let finding = Diagnostic::error(format!("`{}` is not defined", used.name))
        .at(&used.span, "")
        .help(format!("defined here: {}", listed(cell.scope.names())));
    errors.push(or_foreign(finding).help_nearest(&used.name, cell.scope.names()));
}
