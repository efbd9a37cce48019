//! Rules that pick cells: the entries of `exclude`, and `--skip`.

use super::Axis;

/// Cells that match all its conditions.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    /// For each axis the values that match; none where the rule does not speak of the axis.
    axes: Vec<Option<Vec<bool>>>,
}

impl Rule {
    pub(super) fn new(axes: usize) -> Self {
        Self { axes: vec![None; axes] }
    }

    /// Makes it speak of axis `index`: one of `values`, by their numbers.
    pub(super) fn restrict(&mut self, index: usize, axis: &Axis, values: &[usize]) {
        let matching = (0..axis.values.len()).map(|value| values.contains(&value)).collect();
        self.axes[index] = Some(matching);
    }

    /// Whether the cell with these values, by their numbers, is meant. A value beyond the file's
    /// own, added for one run, is matched by no rule of the file.
    pub(super) fn matches(&self, values: &[usize]) -> bool {
        self.axes.iter().zip(values).all(|(axis, value)| {
            axis.as_ref().is_none_or(|matching| matching.get(*value).copied().unwrap_or(false))
        })
    }
}
