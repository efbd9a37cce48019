//! Why a name on the command line is not the name of a selected cell.

use std::collections::HashSet;

use super::known::{Known, Wanted};
use super::mistaken;
use crate::error::{Diagnostic, listed, nearest_name};
use crate::matrix::model::{Axis, MOST_CELLS, Product, Rules};
use crate::matrix::selection::{Pick, Selected};

/// Maximum number of rules that an error shows.
const SHOWN: usize = 3;

/// Finds out why there is no cell with a name.
pub(super) struct Missing<'a> {
    selected: &'a Selected<'a>,
    /// The names of the selected cells.
    known: &'a Known,
    /// The cells that are not selected.
    others: Known,
}

impl<'a> Missing<'a> {
    pub(super) fn new(selected: &'a Selected<'a>, known: &'a Known, wanted: &[Wanted<'_>]) -> Self {
        let is_known: HashSet<&Vec<usize>> = known.cells.iter().collect();
        let others = all(selected).filter(|values| !is_known.contains(values));
        let others = Known::of(selected, others, wanted);
        Self { selected, known, others }
    }

    /// The error for the wanted name `number`.
    pub(super) fn error(&self, text: &str, number: usize) -> Diagnostic {
        match self.others.found(number) {
            [] => self.unknown(text),
            [cell, ..] => {
                let (name, values) = (&self.others.names[*cell], &self.others.cells[*cell]);
                let finding = self.excluded(name, values);
                match self.with_axis(text) {
                    Some((_, help)) => finding.help(help),
                    None => finding,
                }
            }
        }
    }

    /// If it is a value of an axis: that it is one, and how to select it.
    fn with_axis(&self, text: &str) -> Option<(String, String)> {
        let of_axis = |axis: &'a Axis| axis.values.iter().map(move |value| (axis, &*value.text));
        let mut values = self.selected.axes.iter().flat_map(of_axis);
        let exact = values.clone().find(|(_, value)| *value == text);
        let (axis, value) =
            exact.or_else(|| values.find(|(_, value)| value.eq_ignore_ascii_case(text)))?;
        let note = format!("`{value}` is a value of the axis `{}`", axis.name);
        let only = mistaken::only(axis, value, self.selected);
        Some((note, format!("select its cells with `{only}`")))
    }

    /// The rule or the flag that excludes the cell with these values.
    fn excluded(&self, name: &str, values: &[usize]) -> Diagnostic {
        let (selected, axes) = (self.selected, &self.selected.axes);
        let described = described(axes, values);
        let excluded = |by: &str| {
            Diagnostic::error(format!("{by} the cell `{name}`")).note(format!("it is {described}"))
        };
        let is_included = selected.matrix.included.iter().any(|cell| cell.values == values);
        let rules = &selected.matrix.exclude;
        let matching: Vec<usize> = Rules::new(rules, axes).matching(values).collect();
        if !matching.is_empty() && !is_included {
            let spans = matching.iter().take(SHOWN).filter_map(|rule| rules[*rule].span.as_ref());
            return spans
                .fold(excluded("a rule of `exclude` removes"), |finding, span| finding.at(span, ""))
                .help("remove the rule, or add the cell under `include`");
        }
        let flag = |pick: &Pick| format!("{}={}", pick.axis, pick.values.join(","));
        let picks = &selected.picks;
        if let Some(skip) = Rules::new(&selected.skip, axes).matching(values).next() {
            let skip = flag(&picks.skip[skip]);
            return excluded(&format!("`--skip {skip}` excludes")).help("remove the flag");
        }
        let axis = (0..axes.len()).find(|axis| !selected.chosen[*axis].contains(&values[*axis]));
        let axis = axis.map(|axis| &axes[axis].name);
        let of_axis = |pick: &&Pick| axis.is_some_and(|axis| **axis == *pick.axis);
        let flags: Vec<String> =
            picks.only.iter().chain(&picks.add).filter(of_axis).map(flag).collect();
        excluded("the flags do not select")
            .note(format!("they select {}", flags.join(" ")))
            .help("remove the flag, or name another cell")
    }

    fn unknown(&self, text: &str) -> Diagnostic {
        let is_glob = text.contains(['*', '?']);
        let finding = Diagnostic::error(match is_glob {
            true => format!("no cell matches `{text}`"),
            false => format!("there is no cell `{text}`"),
        });
        if let Some((note, help)) = self.with_axis(text) {
            finding.note(note).help(help)
        } else if let Some(help) = mistaken::help(text, self.selected) {
            finding.help(help)
        } else if let Some(meant) = nearest_name(text, self.known.names()).filter(|_| !is_glob) {
            finding.help(format!("did you mean `{meant}`?"))
        } else {
            finding.help(format!("the cells are {}", listed(self.known.names())))
        }
    }
}

/// All cells of the file and those of `--add`, also those that rules and flags exclude.
fn all(selected: &Selected<'_>) -> impl Iterator<Item = Vec<usize>> {
    let listed = |axis: &Axis| -> Vec<usize> {
        (0..axis.values.len()).filter(|value| !axis.values[*value].included).collect()
    };
    let lists: Vec<Vec<usize>> = selected.axes.iter().map(listed).collect();
    let count = lists.iter().fold(1_u128, |count, list| count.saturating_mul(list.len() as u128));
    let lists = if count > MOST_CELLS { vec![Vec::new()] } else { lists };
    let included = selected.matrix.included.iter().map(|cell| cell.values.clone());
    Product::of(lists).chain(included)
}

/// `os=centos version=1.10`
fn described(axes: &[Axis], values: &[usize]) -> String {
    let pair =
        |(axis, value): (&Axis, &usize)| format!("{}={}", axis.name, axis.values[*value].text);
    axes.iter().zip(values).map(pair).collect::<Vec<_>>().join(" ")
}
