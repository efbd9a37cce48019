//! Rules that pick cells: the entries of `exclude`, `include` and `overrides`, and `--skip`.

use super::Axis;
use super::pattern::Pattern;
use super::settings::Settings;
use crate::error::Span;

/// Cells that match all its conditions.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    /// One for each axis; none where the rule does not speak of the axis.
    axes: Vec<Option<Matching>>,
}

/// What a rule says of one axis.
#[derive(Debug, Clone, Default)]
struct Matching {
    /// For each value of the file whether it is meant.
    values: Vec<bool>,
    /// For values that were added for one run.
    patterns: Vec<Pattern>,
}

/// Settings for the cells that match.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) rule: Rule,
    /// The cells that it names one by one, in place of the rule.
    pub(super) cells: Option<Vec<Vec<usize>>>,
    pub(super) settings: Settings,
    pub(super) span: Span,
    /// It has been told already that it matches nothing.
    pub(super) idle: bool,
}

/// A cell that the product does not have.
#[derive(Debug, Clone)]
pub(super) struct Included {
    /// Its values by their numbers.
    pub(super) values: Vec<usize>,
}

impl Rule {
    pub(super) fn new(axes: usize) -> Self {
        Self { axes: vec![None; axes] }
    }

    /// Makes it speak of axis `index`: a value has to match one of `patterns`. Returns whether each
    /// pattern matches any value of the axis.
    pub(super) fn restrict(
        &mut self,
        index: usize,
        axis: &Axis,
        patterns: Vec<Pattern>,
    ) -> Vec<bool> {
        let mut values = vec![false; axis.values.len()];
        let mut used = Vec::with_capacity(patterns.len());
        for pattern in &patterns {
            let found = axis.matching(pattern);
            used.push(!found.is_empty());
            found.into_iter().for_each(|value| values[value] = true);
        }
        self.axes[index] = Some(Matching { values, patterns });
        used
    }

    /// Whether the cell with these values, by their numbers, is meant. `axes` may have more values
    /// than the rule was made with.
    pub(super) fn matches(&self, values: &[usize], axes: &[Axis]) -> bool {
        self.axes.iter().zip(values).zip(axes).all(|((matching, value), axis)| {
            matching.as_ref().is_none_or(|matching| match matching.values.get(*value) {
                Some(meant) => *meant,
                None => {
                    let text = &axis.values[*value].text;
                    matching.patterns.iter().any(|pattern| pattern.matches(text))
                }
            })
        })
    }
}
