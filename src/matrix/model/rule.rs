//! Rules that select cells: the entries of `exclude`, `include` and `overrides`, and `--skip`.

use super::axis::{Axis, Lookup};
use super::pattern::Pattern;
use super::settings::Settings;
use crate::error::Span;

/// Selects the cells that match all conditions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    /// One for each axis; `None` if the rule does not restrict the axis.
    axes: Vec<Option<Matching>>,
    /// Its place in the file; `None` for one of a flag.
    pub(crate) span: Option<Span>,
}

/// The condition on one axis.
#[derive(Debug, Clone, Default)]
struct Matching {
    /// The indexes of the matching values of the file.
    values: Vec<usize>,
    /// The number of values in the file.
    known: usize,
    /// For values that were added for one run.
    patterns: Vec<Pattern>,
}

/// Settings for the matching cells.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) rule: Rule,
    /// The cells that it lists explicitly, instead of the rule.
    pub(crate) cells: Option<Vec<Vec<usize>>>,
    pub(crate) settings: Settings,
    pub(crate) span: Span,
    /// It has been reported already that it matches nothing.
    pub(crate) idle: bool,
}

/// A cell outside the product of the axes.
#[derive(Debug, Clone)]
pub(crate) struct Included {
    /// The indexes of its values.
    pub(crate) values: Vec<usize>,
}

impl Rule {
    pub(crate) fn new(axes: usize) -> Self {
        Self { axes: vec![None; axes], span: None }
    }

    /// Restricts axis `index`: a value must match one of `patterns`. Returns for each pattern
    /// whether it matches any value of the axis.
    pub(crate) fn restrict(
        &mut self,
        index: usize,
        axis: &Lookup<'_>,
        patterns: Vec<Pattern>,
    ) -> Vec<bool> {
        let mut values = Vec::new();
        let mut used = Vec::with_capacity(patterns.len());
        for pattern in &patterns {
            let found = axis.matching(pattern);
            used.push(!found.is_empty());
            values.extend(found);
        }
        self.axes[index] = Some(Matching { values, known: axis.len(), patterns });
        used
    }
}

/// Many rules, and which of them match a cell. The matching rules of each value are precomputed,
/// one bit per rule, so that a cell costs a few words instead of a test of every rule.
pub(crate) struct Rules {
    axes: Vec<OfAxis>,
    count: usize,
}

/// The rules that match each value of one axis.
struct OfAxis {
    /// Rules that do not restrict the axis and so match every value.
    silent: Vec<u64>,
    /// The matching rules of each value that some rule names, including the unrestricted ones.
    values: Vec<Option<Vec<u64>>>,
}

impl Rules {
    /// `axes` can have more values than when the rules were read.
    pub(crate) fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, axes: &[Axis]) -> Self {
        let rules: Vec<&Rule> = rules.into_iter().collect();
        let axes = axes.iter().enumerate().map(|(index, axis)| OfAxis::new(&rules, index, axis));
        Self { axes: axes.collect(), count: rules.len() }
    }

    /// The indexes of the rules that match the cell with these values, ascending.
    pub(crate) fn matching(&self, values: &[usize]) -> impl Iterator<Item = usize> {
        let masks: Vec<&[u64]> =
            self.axes.iter().zip(values).map(|(axis, value)| axis.passing(*value)).collect();
        (0..self.count.div_ceil(64)).flat_map(move |word| {
            let mut bits = masks.iter().fold(u64::MAX, |bits, mask| bits & mask[word]);
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + bit)
            })
        })
    }

    /// Whether any rule matches the cell with these values.
    pub(crate) fn any(&self, values: &[usize]) -> bool {
        self.matching(values).next().is_some()
    }
}

impl OfAxis {
    fn new(rules: &[&Rule], index: usize, axis: &Axis) -> Self {
        let mut silent = vec![0; rules.len().div_ceil(64)];
        let matching = |rule: &&Rule| rule.axes.get(index).cloned().flatten();
        let spoken: Vec<(usize, Matching)> = rules
            .iter()
            .enumerate()
            .filter_map(|(number, rule)| match matching(rule) {
                Some(matching) => Some((number, matching)),
                None => {
                    silent[number / 64] |= 1 << (number % 64);
                    None
                }
            })
            .collect();
        let mut values: Vec<Option<Vec<u64>>> = vec![None; axis.values.len()];
        for (number, matching) in spoken {
            let added = (matching.known..axis.values.len()).filter(|value| {
                let text = &axis.values[*value].text;
                matching.patterns.iter().any(|pattern| pattern.matches(text))
            });
            for value in matching.values.iter().copied().chain(added) {
                let mask = values[value].get_or_insert_with(|| silent.clone());
                mask[number / 64] |= 1 << (number % 64);
            }
        }
        Self { silent, values }
    }

    fn passing(&self, value: usize) -> &[u64] {
        self.values[value].as_ref().unwrap_or(&self.silent)
    }
}
