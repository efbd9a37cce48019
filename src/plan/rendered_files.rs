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
        let rendered = file.cell(cells).and_then(|cell| match includes(&file.template) {
            Some(template) => template.render(&cell.scope, &includes),
            None => Err(unread("template", &file.template, Some(&file.template_span))),
        });
        match rendered {
            Ok(rendered) => found.push(RenderedFile {
                path: file.path.clone(),
                text: rendered.text().into_owned(),
                span: file.span.clone(),
            }),
            Err(wrong) => errors.extend(wrong),
        }
    }
    errors.check(found)
}
