//! From a selection to its cells.

use std::collections::HashMap;
use std::sync::Arc;

use super::cell::{Cell, Shared};
use super::make::Maker;
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::{Reference, Tag};
use crate::matrix::model::{Layer, MOST_CELLS, Product, Rules};
use crate::matrix::selection::Selected;

/// Maximum number of tags of all cells in all repositories: they must fit into memory to find
/// duplicates.
const MOST_TAGS: usize = 1_000_000;

/// Maximum size of the labels, arguments and other values of all cells, in bytes. Shared values count once.
const MOST_TEXT: usize = 512 << 20;

/// Maximum number of reported errors: every cell can add its own, and more of them add nothing new.
const ENOUGH_ERRORS: usize = 50;

/// The cells of a selection; at least one.
#[derive(Debug, Clone)]
pub struct Expansion {
    pub cells: Vec<Cell>,
    /// Warnings that only the cells can show.
    pub warnings: Diagnostics,
}

impl Selected<'_> {
    /// The number of selected cells before `exclude` and `--skip`.
    pub fn product(&self) -> u128 {
        let listed = |axis: usize| self.listed(axis).count() as u128;
        (0..self.chosen.len()).fold(1, |count, axis| count.saturating_mul(listed(axis)))
    }

    /// The selected values of an axis that are part of the product.
    fn listed(&self, axis: usize) -> impl Iterator<Item = usize> {
        let values = &self.axes[axis].values;
        self.chosen[axis].iter().copied().filter(|value| !values[*value].included)
    }

    /// Creates the cells in the order of the file, where the first axis changes slowest, and then the
    /// cells that `include` adds.
    pub fn expand(&self) -> Result<Expansion, Diagnostics> {
        let matrix = self.matrix;
        let product = self.product();
        if product > MOST_CELLS {
            let sizes: Vec<String> =
                (0..self.axes.len()).map(|axis| self.listed(axis).count().to_string()).collect();
            let message = format!("the matrix has {product} cells; the maximum is {MOST_CELLS}");
            let longest = (0..self.axes.len()).max_by_key(|axis| self.listed(*axis).count());
            let axis = longest.map_or("AXIS", |axis| &*self.axes[axis].name);
            let help = format!(
                "list fewer values under `axes`, or select some of each axis, such as `--only {axis}=VALUE`"
            );
            return Err(Diagnostic::error(message)
                .at(&matrix.axes_span, sizes.join(" × "))
                .help(help)
                .into());
        }
        let maker = Maker::new(self);
        let mut layers = Layers::new(self, &maker);
        let mut errors = Diagnostics::default();
        let mut cells = Vec::with_capacity(usize::try_from(product).unwrap_or(0));
        let mut tags = 0;
        for values in self.combinations() {
            match maker.cell(&values, layers.of(&values)) {
                Ok(cell) => {
                    tags += cell.references.len();
                    cells.push(cell);
                }
                Err(found) => errors.extend(found),
            }
            if tags > MOST_TAGS {
                errors.push(self.too_many_tags(cells.len(), product, tags));
                break;
            }
            if maker.pool.size() > MOST_TEXT {
                errors.push(self.too_much_text(cells.len(), product, maker.pool.size()));
                break;
            }
            if errors.len() >= ENOUGH_ERRORS {
                break;
            }
        }
        errors.check(())?;
        if cells.is_empty() {
            let help =
                "select other cells, or remove the flag or the rule of `exclude` that removes them";
            let finding = Diagnostic::error("no cell is left: all are excluded or not selected");
            return Err(finding.at(&matrix.axes_span, "").help(help).into());
        }
        self.check_tags(&cells)?;
        let mut warnings = self.warnings.clone();
        warnings.extend(layers.idle());
        warnings.extend(matrix.lost_tags(&self.overrides.vars));
        Ok(Expansion { cells, warnings })
    }

    fn too_much_text(&self, cells: usize, of: u128, size: usize) -> Diagnostic {
        let message = format!(
            "{cells} of {of} cells have {} MiB of distinct values; the maximum is {} MiB",
            size >> 20,
            MOST_TEXT >> 20
        );
        let help =
            "select fewer cells with `--only axis=value`, or use no placeholders in long values";
        Diagnostic::error(message).at(&self.matrix.axes_span, "").help(help)
    }

    fn too_many_tags(&self, cells: usize, of: u128, tags: usize) -> Diagnostic {
        let message = format!("{cells} of {of} cells have {tags} tags; the maximum is {MOST_TAGS}");
        let finding =
            Diagnostic::error(message).help("select fewer cells with `--only axis=value`");
        match self.matrix.tags.first() {
            Some(rule) => finding.at(&rule.tag.span(), "the first of them"),
            None => finding,
        }
    }

    /// The selected cells, by the indices of their values.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = Vec<usize>> {
        let listed: Vec<Vec<usize>> =
            (0..self.axes.len()).map(|axis| self.listed(axis).collect()).collect();
        let exclude = Rules::new(&self.matrix.exclude, &self.axes);
        let skip = Rules::new(&self.skip, &self.axes);
        let chosen = |values: &[usize]| {
            values
                .iter()
                .zip(&self.chosen)
                .all(|(value, chosen)| chosen.binary_search(value).is_ok())
        };
        let added = self.matrix.included.iter().map(|included| included.values.clone());
        Product::of(listed)
            .filter(move |values| !exclude.any(values))
            .chain(added.filter(move |values| chosen(values)))
            .filter(move |values| !skip.any(values))
            .filter(|values| self.cells.as_ref().is_none_or(|cells| cells.contains(values)))
    }

    /// Refuses cells that would overwrite each other.
    fn check_tags(&self, cells: &[Cell]) -> Result<(), Diagnostics> {
        let mut errors = Diagnostics::default();
        let mut owners: HashMap<&Reference, (&Cell, usize)> = HashMap::new();
        for cell in cells {
            for (index, reference) in cell.references.iter().enumerate() {
                let rule = index % cell.tag_rules.len();
                let Some(first) = owners.insert(reference, (cell, rule)) else { continue };
                errors.push(collision(reference, first, (cell, rule)));
                if errors.len() >= ENOUGH_ERRORS {
                    return Err(errors);
                }
            }
        }
        errors.check(())
    }
}

/// An error that shows both cells, the rules of their tags, and the first axis values that differ.
fn collision(reference: &Reference, first: (&Cell, usize), second: (&Cell, usize)) -> Diagnostic {
    let tag = reference.tag.as_ref().map(Tag::as_str).unwrap_or_default();
    let ((one, one_rule), (other, other_rule)) = (first, second);
    let mut places: Vec<(Span, String)> = vec![(other.tag_span(other_rule).clone(), String::new())];
    let mut add = |span: &Span, text: String| {
        if places.iter().all(|(known, _)| known != span) {
            places.push((span.clone(), text));
        }
    };
    add(one.tag_span(one_rule), String::new());
    let differing = (0..one.axes.len()).find(|index| one.axes[*index] != other.axes[*index]);
    if let Some(index) = differing {
        let shown = |cell: &Cell| format!("{}={}", cell.axes[index].0, cell.axes[index].1);
        add(one.axis_span(index), shown(one));
        add(other.axis_span(index), shown(other));
    }
    let axis = differing.map_or("os", |index| &one.axes[index].0);
    let finding = Diagnostic::error(format!("two cells have the tag `{tag}`"));
    places
        .iter()
        .fold(finding, |finding, (span, text)| finding.at(span, text.as_str()))
        .note(format!("one is {}", one.describe()))
        .note(format!("the other is {}", other.describe()))
        .help(format!("make the tags differ, for example with `<%{axis}%>` in `tag`"))
}

/// The rules that match each cell, and the resulting settings.
pub(crate) struct Layers<'a> {
    selected: &'a Selected<'a>,
    maker: &'a Maker<'a>,
    /// `include` first, so that `overrides` take precedence.
    all: Vec<&'a Layer>,
    /// The indices in `all` of layers that are rules.
    rules: Vec<usize>,
    index: Rules,
    /// For a cell that layers name, the indices of these layers.
    named: HashMap<&'a [usize], Vec<usize>>,
    matched: Vec<bool>,
    /// There are many cells, but few sets of matching rules.
    known: HashMap<Vec<usize>, Arc<Shared>>,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(selected: &'a Selected<'a>, maker: &'a Maker<'a>) -> Self {
        let all: Vec<&Layer> =
            selected.matrix.include.iter().chain(&selected.matrix.overrides).collect();
        let matched = vec![false; all.len()];
        let rules: Vec<usize> = (0..all.len()).filter(|i| all[*i].cells.is_none()).collect();
        let index = Rules::new(rules.iter().map(|rule| &all[*rule].rule), &selected.axes);
        let mut named: HashMap<&[usize], Vec<usize>> = HashMap::new();
        for (index, layer) in all.iter().enumerate() {
            for cell in layer.cells.iter().flatten() {
                named.entry(cell).or_default().push(index);
            }
        }
        Self { selected, maker, all, rules, index, named, matched, known: HashMap::new() }
    }

    pub(crate) fn of(&mut self, values: &[usize]) -> Arc<Shared> {
        let mut matching: Vec<usize> =
            self.index.matching(values).map(|number| self.rules[number]).collect();
        matching.extend(self.named.get(values).into_iter().flatten());
        matching.sort_unstable();
        matching.iter().for_each(|index| self.matched[*index] = true);
        let shared = self.known.entry(matching).or_insert_with_key(|matching| {
            let matrix = self.selected.matrix;
            let settings = matching.iter().fold(matrix.settings.clone(), |below, index| {
                below.overlaid(&self.all[*index].settings)
            });
            self.maker.shared(settings)
        });
        shared.clone()
    }

    /// A warning for each rule that matched no cell, if every cell was checked.
    fn idle(&self) -> Diagnostics {
        let mut warnings = Diagnostics::default();
        if !self.selected.is_everything() {
            return warnings;
        }
        for (layer, matched) in self.all.iter().zip(&self.matched) {
            if !matched && !layer.idle && layer.cells.is_none() {
                warnings.push(
                    Diagnostic::warning("this rule matches no cell")
                        .at(&layer.span, "")
                        .help("`exclude` removes all cells that it could match"),
                );
            }
        }
        warnings
    }
}
