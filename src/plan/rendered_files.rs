//! The `files` of the matrix, each rendered from its template and one cell.

use super::files::{PlanFiles, unread};
use super::make::undefined;
use crate::error::{Diagnostics, Span};
use crate::matrix::{Cell, Matrix};

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedFile {
    /// Relative to the directory of matrix.yaml, and inside it.
    pub path: String,
    pub text: String,
    /// Where the matrix names it.
    pub span: Span,
}

/// Renders every file. `cells` are all cells of the matrix, `templates` only those of the files.
pub(crate) fn committed(
    matrix: &Matrix,
    cells: &[Cell],
    templates: &PlanFiles,
) -> Result<Vec<RenderedFile>, Diagnostics> {
    let mut errors = Diagnostics::default();
    for used in templates.names() {
        cells.iter().take(1).for_each(|cell| undefined(&used, cell, matrix, &mut errors));
    }
    let includes = |name: &str| templates.template(".", name);
    let mut found = Vec::new();
    for file in matrix.file_rules() {
        let unread = || unread("template", &file.template, Some(&file.template_span));
        let text = match file.is_template {
            false => templates.copied(&file.template).map(str::to_owned).ok_or_else(unread),
            true => file.cell(cells).and_then(|cell| {
                let template = includes(&file.template).ok_or_else(unread)?;
                Ok(template.render(&cell.scope, &includes)?.text().into_owned())
            }),
        };
        match text {
            Ok(text) => {
                let (path, span) = (file.path.clone(), file.span.clone());
                found.push(RenderedFile { path, text, span });
            }
            Err(wrong) => errors.extend(wrong),
        }
    }
    errors.check(found)
}
