//! The names of cells.
//!
//! A name is made of the cell's own values, so no selection changes it, and no cell that is added to the
//! matrix. It is a tag, preferably one without a condition: `latest` moves to another cell with the next
//! version. If the repositories of cells differ, several cells may have the same tag. Then the part of the
//! repository that differs precedes it.
//!
//! Flags do not change it either: it has the repository of the file, and no `--tag-prefix`. `--var` sets a
//! value of the matrix, so it does.

use std::collections::HashSet;

use crate::cell_name::{CellName, cell_name};
use crate::error::Diagnostics;
use crate::matrix::model::{Matrix, TagRule};
use crate::template::{Scope, Template};

/// The templates of a matrix that names are made of.
pub(crate) struct NameParts<'a> {
    tags: Vec<&'a TagRule>,
    /// The repository and the part of it before the first difference; `None` if cells share a repository.
    repository: Option<(&'a Template, Template)>,
}

impl<'a> NameParts<'a> {
    pub(crate) fn of(matrix: &'a Matrix) -> Self {
        let (mut tags, conditional): (Vec<_>, Vec<_>) =
            matrix.tags.iter().partition(|rule| rule.when.is_none());
        tags.extend(conditional);
        let differing = differing(matrix);
        let varies = |name: &str| differing.contains(name);
        let parts = matrix.images.iter().map(|image| Some((image, image.before_first(&varies)?)));
        // In a repository that all cells share, every tag is there once.
        let parts: Option<Vec<_>> = parts.collect();
        let repository = parts.and_then(|parts| parts.into_iter().next());
        Self { tags, repository }
    }

    /// The name of the cell with this scope, which has at least one tag.
    pub(crate) fn name(&self, scope: &Scope) -> Result<CellName, Diagnostics> {
        let mut tag = String::new();
        for rule in &self.tags {
            if rule.when.as_ref().map_or(Ok(true), |when| when.holds(scope))? {
                tag = rule.tag.render_inline(scope)?;
                break;
            }
        }
        let repository = self.repository.as_ref().and_then(|(image, before)| {
            // With `--image`, the file's own repository need not be valid.
            let (image, before) = (image.render_inline(scope), before.render_inline(scope));
            let (image, before) = (image.ok()?, before.ok()?);
            let start = before.rfind('/').map_or(0, |slash| slash + 1);
            image.get(start..).map(str::to_owned)
        });
        Ok(cell_name(repository.as_deref(), &tag))
    }
}

/// The names for templates whose values can differ between cells.
fn differing(matrix: &Matrix) -> HashSet<&str> {
    let mut found: HashSet<&str> = matrix.axes.iter().map(|axis| &*axis.name).collect();
    found.extend(["latest", "prerelease"]);
    let layers = matrix.include.iter().chain(&matrix.overrides);
    found.extend(layers.flat_map(|layer| &layer.settings.vars).map(|var| &*var.name));
    // A var can use the vars above it.
    for var in &matrix.settings.vars {
        if var.value.names().any(|used| found.contains(&*used.name)) {
            found.insert(&var.name);
        }
    }
    found
}
