//! From cells and templates to build requests.

use std::path::Path;
use std::sync::Arc;

use super::request::{BuildOptions, BuildRequest};
use super::templates::Templates;
use crate::error::{Diagnostic, Diagnostics, listed};
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

/// Renders every cell's Dockerfile. `root` is the folder of matrix.yaml; the context folders of
/// the requests are counted from where it is.
pub fn plan(
    matrix: &Matrix,
    cells: &[Cell],
    templates: &Templates,
    root: &Path,
    options: &Arc<BuildOptions>,
) -> Result<Plan, Diagnostics> {
    let mut errors = Diagnostics::default();
    // Names first: a misspelt one in a branch that no cell takes is found as well, and once only.
    if let Some(cell) = cells.first() {
        for used in templates.values().flat_map(|template| template.names()) {
            undefined(&used, cell, &mut errors);
        }
    }
    let mut requests = Vec::with_capacity(cells.len());
    for cell in cells {
        match request(cell, templates, root, options) {
            Ok(request) => requests.push(request),
            Err(found) => errors.extend(found),
        }
        if errors.len() >= ENOUGH_ERRORS {
            break;
        }
    }
    errors.check(())?;
    let mut warnings = Diagnostics::default();
    // With a part of the matrix only a part of the templates was read, and a var may be used in
    // one of the others.
    if matrix.is_covered_by(cells) {
        let used: Vec<NameUse> = templates.values().flat_map(|template| template.names()).collect();
        warnings.extend(matrix.unused_vars(&used));
    }
    Ok(Plan { requests, warnings })
}

fn request(
    cell: &Cell,
    templates: &Templates,
    root: &Path,
    options: &Arc<BuildOptions>,
) -> Result<BuildRequest, Diagnostics> {
    let Some(template) = templates.get(&cell.context, &cell.dockerfile) else {
        let message = format!("the template `{}` was not read", cell.dockerfile);
        return Err(Diagnostic::error(message).at(&cell.dockerfile_span, "").into());
    };
    let includes = |name: &str| templates.get(&cell.context, name);
    let dockerfile = template.render(&cell.scope, &includes)?;
    Ok(BuildRequest {
        cell: cell.name.clone(),
        dockerfile: Arc::new(dockerfile),
        dockerignore: None,
        // Joining `.` would leave `root/.` in everything that is shown.
        context: if &*cell.context == "." { root.to_owned() } else { root.join(&*cell.context) },
        platforms: cell.platforms.to_vec(),
        references: cell.references.clone(),
        args: cell.args.clone(),
        labels: cell.labels.clone(),
        target: cell.target.clone(),
        annotations: Default::default(),
        bases: cell.bases.clone(),
        contexts: Default::default(),
        secrets: Default::default(),
        ssh: Default::default(),
        network: None,
        cache_from: Vec::new(),
        cache_to: Vec::new(),
        options: options.clone(),
    })
}

fn undefined(used: &NameUse, cell: &Cell, errors: &mut Diagnostics) {
    if used.optional || cell.scope.get(&used.name).is_some() {
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
