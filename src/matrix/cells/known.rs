//! Which cells have a name that a command line uses.

use super::expand::Layers;
use super::make::Maker;
use crate::cell_name::CellName;
use crate::image::Reference;
use crate::matrix::model::Pattern;
use crate::matrix::selection::Selected;

/// What a command line calls a cell.
pub(super) struct Wanted<'t> {
    pub(super) text: &'t str,
    pattern: Pattern,
    pub(super) is_glob: bool,
    /// With a tag, and without a digest.
    reference: Option<Reference>,
}

impl<'t> Wanted<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let pattern = Pattern::Glob(text.to_owned());
        let reference = text.parse().ok();
        let reference = reference.filter(|reference: &Reference| reference.tag.is_some());
        Self { text, is_glob: !pattern.is_plain(), pattern, reference }
    }

    fn is(&self, reference: &Reference) -> bool {
        let tag = reference.tag.as_ref();
        self.reference.as_ref() == Some(reference)
            || tag.is_some_and(|tag| self.pattern.matches(tag.as_str()))
            || self.is_glob
                && (self.pattern.matches(&reference.familiar())
                    || self.pattern.matches(&reference.to_string()))
    }
}

/// Cells, and which of them have a name that a command line uses.
pub(super) struct Known {
    pub(super) cells: Vec<Vec<usize>>,
    pub(super) names: Vec<CellName>,
    /// For each wanted name, the indices of the cells that have it.
    by_name: Vec<Vec<usize>>,
    /// For each wanted name, the indices of the cells that have such a tag or reference.
    by_reference: Vec<Vec<usize>>,
}

impl Known {
    /// A cell without a valid name or tag is left out: it is an error of the matrix, which matters only if
    /// the cell is selected.
    pub(super) fn of(
        selected: &Selected<'_>,
        cells: impl Iterator<Item = Vec<usize>>,
        wanted: &[Wanted<'_>],
    ) -> Self {
        let maker = Maker::new(selected);
        let mut layers = Layers::new(selected, &maker);
        let none = vec![Vec::new(); wanted.len()];
        let mut known =
            Self { cells: vec![], names: vec![], by_name: none.clone(), by_reference: none };
        for values in cells {
            let Ok((name, references)) = maker.name(&values, &layers.of(&values)) else { continue };
            let cell = known.cells.len();
            for (number, wanted) in wanted.iter().enumerate() {
                if wanted.pattern.matches(&name) {
                    known.by_name[number].push(cell);
                } else if references.iter().any(|reference| wanted.is(reference)) {
                    known.by_reference[number].push(cell);
                }
            }
            known.cells.push(values);
            known.names.push(name);
        }
        known
    }

    /// The indices of the cells that a wanted name means. A cell with this name comes before cells with such
    /// a tag: the name is unique.
    pub(super) fn found(&self, wanted: usize) -> &[usize] {
        match self.by_name[wanted].as_slice() {
            [] => &self.by_reference[wanted],
            named => named,
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}
