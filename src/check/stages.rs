//! A Dockerfile without a stage, such as an empty one. BuildKit would refuse it.

use super::groups;
use super::read::Files;
use crate::error::{Diagnostic, Diagnostics, SourceFile};
use crate::matrix::Cell;
use crate::plan::{BuildRequest, Sources};

/// An error for each Dockerfile of a plan that has no `FROM`.
pub(crate) fn without_stages(
    cells: &[Cell],
    requests: &[BuildRequest],
    sources: &Sources,
) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut files = Files::default();
    for group in groups::of(requests) {
        let request = group.first();
        let recipe = &request.recipe;
        let file = files.of(recipe);
        if file.is_foreign_to(recipe) || file.parsed.has_stages() {
            continue;
        }
        let cell = cells.iter().find(|cell| *cell.name == *request.cell);
        let path = cell.map_or("Dockerfile", |cell| &*cell.dockerfile);
        // An empty file has no line.
        let place = sources.line(&recipe.dockerfile, 1);
        let place = place.unwrap_or_else(|| SourceFile::new(path, "").span(0..0));
        let message = format!("{} has no `FROM`", place.file.name());
        found.push(
            Diagnostic::error(message)
                .at(&place, "")
                .help("start the first stage with a base image, such as `FROM alpine:3.20`"),
        );
    }
    found
}
