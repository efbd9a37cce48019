//! From cells and templates to build requests.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::base_labels::{self, UnknownBase};
use super::privileges::{Privileges, privileges};
use super::request::{BuildOptions, BuildRequest, Delivery, Policy, Recipe};
use super::templates::Templates;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::input::{Cache, Root, SharedPlace};
use crate::matrix::{Cell, Matrix};
use crate::template::NameUse;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One for each cell, in their order.
    pub requests: Vec<BuildRequest>,
    /// What is odd about the templates but stops nothing; the matrix has warnings of its own.
    pub warnings: Diagnostics,
}

/// Every cell makes its own errors; beyond this they say nothing new.
const ENOUGH_ERRORS: usize = 50;

/// The most bytes of Dockerfiles that are in memory at once, beside the templates.
const MOST_TEXT: usize = 512 << 20;

fn too_much(cell: &Cell, made: usize, of: usize, size: usize) -> Diagnostic {
    let message = format!(
        "the Dockerfiles of {made} of {of} cells have {} MiB of text that no two of them share, and \
         the most is {} MiB",
        size >> 20,
        MOST_TEXT >> 20
    );
    let help =
        "select fewer cells, with `--only axis=value`, or give long texts fewer placeholders";
    Diagnostic::error(message).at(&cell.dockerfile_span, "the template of the last").help(help)
}

/// Renders every cell's Dockerfile. `root` is the directory of matrix.yaml, and the paths of the
/// requests start from the directory that `root` itself starts from.
pub fn plan(
    matrix: &Matrix,
    cells: &[Cell],
    templates: &Templates,
    root: &Root,
    options: &BuildOptions,
) -> Result<Plan, Diagnostics> {
    let mut errors = Diagnostics::default();
    // Names first: a misspelt one in a branch that no cell takes is found as well, and once only.
    if let Some(cell) = cells.first() {
        for used in templates.names() {
            undefined(&used, cell, matrix, &mut errors);
        }
    }
    let mut requests = Vec::with_capacity(cells.len());
    let mut unknown = Vec::new();
    let (mut known, mut size) = (HashSet::new(), 0);
    let is_one_for_each = options.is_one_for_each(cells.len());
    for cell in cells {
        match request(cell, templates, root, options, is_one_for_each) {
            Ok((mut request, base)) => {
                // Cells whose Dockerfiles are equal share one.
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
    warnings.extend(unknown_bases(templates, &requests, unknown));
    // With a part of the matrix only a part of the templates was read, and a var may be used in
    // one of the others.
    if matrix.is_covered_by(cells) {
        warnings.extend(matrix.unused_vars(&templates.used()));
    }
    Ok(Plan { requests, warnings })
}

fn request(
    cell: &Cell,
    templates: &Templates,
    root: &Root,
    options: &BuildOptions,
    is_one_for_each: bool,
) -> Result<(BuildRequest, Option<UnknownBase>), Diagnostics> {
    let Some(template) = templates.get(&cell.context, &cell.dockerfile) else {
        let message = format!("the template `{}` was not read", cell.dockerfile);
        return Err(Diagnostic::error(message).at(&cell.dockerfile_span, "").into());
    };
    let includes = |name: &str| templates.get(&cell.context, name);
    let dockerfile = template.render(&cell.scope, &includes)?;
    let beside = |path: &Path| root.join(path);
    let own = |cache: &Cache| cache.of_cell(&cell.name).with_folder(beside);
    let mut recipe = Recipe {
        dockerfile: Arc::new(dockerfile),
        dockerignore: None,
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
        script: None,
        skip_smoke: options.skip_smoke,
    };
    let output = match is_one_for_each {
        true => options.output.of_cell(&cell.name),
        false => options.output.clone(),
    };
    let delivery = Delivery { references: cell.references.clone(), output };
    Ok((BuildRequest { cell: cell.name.clone(), recipe, delivery, policy }, unknown))
}

/// A warning for each line of a template whose base no label can name.
fn unknown_bases(
    templates: &Templates,
    requests: &[BuildRequest],
    unknown: Vec<(usize, UnknownBase)>,
) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    let sources = (!unknown.is_empty()).then(|| templates.sources());
    for (number, UnknownBase { line, message }) in unknown {
        let dockerfile = &requests[number].recipe.dockerfile;
        let place = sources.as_ref().and_then(|sources| sources.line(dockerfile, line));
        let finding = Diagnostic::warning(message)
            .rule("unknown-base")
            .note("no label names it, and the labels that come from the base image are empty")
            .help("give the labels in the matrix, or leave `base` out of `auto`");
        let finding = match &place {
            Some(span) => finding.at(span, ""),
            None => finding,
        };
        // Cells that share a template have it once.
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
            let message = format!("several cells write the cache `{place}`: the last one stays");
            let finding = Diagnostic::warning(message);
            let finding = match cell.cache_to_span() {
                Some(span) => finding.at(span, ""),
                None => finding,
            };
            warnings.push(
                finding
                    .note(format!("two of them are {} and {}", first.cell, request.cell))
                    .help(format!("leave its {named_by} out: each cell then gets its own")),
            );
        }
    }
    warnings
}

pub(super) fn undefined(used: &NameUse, cell: &Cell, matrix: &Matrix, errors: &mut Diagnostics) {
    if used.optional || matrix.defines(&used.name) {
        return;
    }
    // The same words as when it is rendered, so that it is told once.
    errors.push(
        Diagnostic::error(format!("`{}` is not defined", used.name))
            .at(&used.span, "")
            .help(format!("defined here: {}", listed(cell.scope.names())))
            .help_nearest(&used.name, cell.scope.names()),
    );
}
