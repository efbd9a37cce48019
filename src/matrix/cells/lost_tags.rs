//! Tags that no cell has: either their condition never holds, or they stay on an old image because the
//! cell that would move them is excluded.
//!
//! Both checks use all cells of the file, whatever a run selects.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::expand::Layers;
use super::make::Maker;
use crate::error::{Diagnostic, Diagnostics, listed};
use crate::image::Reference;
use crate::matrix::model::{Axis, MOST_CELLS, Matrix, Product, Rules, TagRule, Var, VarValue};
use crate::matrix::selection::{Overrides, Selection};
use crate::template::{Condition, Template, Value};
use crate::version;

impl Matrix {
    /// A warning for each lost tag. `vars` are the vars that flags set.
    pub(crate) fn lost_tags(&self, vars: &IndexMap<String, String>) -> Diagnostics {
        let none = Diagnostics::default();
        if self.tags.iter().all(|rule| rule.when.is_none()) {
            return none;
        }
        let overrides = Overrides { vars: vars.clone(), ..Overrides::default() };
        let Ok(selected) = self.select(&Selection::default(), &overrides) else { return none };
        if selected.product() > MOST_CELLS {
            return none;
        }
        let maker = Maker::new(&selected);
        let layers = Layers::new(&selected, &maker);
        let combinations = selected.combinations().collect();
        let mut search =
            Search { matrix: self, maker: &maker, layers, cells: combinations, references: None };
        // The run itself reports a cell that has errors.
        search.run().unwrap_or_default()
    }
}

struct Search<'a> {
    matrix: &'a Matrix,
    maker: &'a Maker<'a>,
    layers: Layers<'a>,
    /// All cells, by the indices of their values.
    cells: Vec<Vec<usize>>,
    /// The references of all cells from all rules, computed on first use.
    references: Option<HashSet<Reference>>,
}

/// A tag that an excluded cell would have.
struct Lost {
    reference: Reference,
    /// `os=centos version=1.10`
    excluded: String,
}

impl Search<'_> {
    fn run(&mut self) -> Result<Diagnostics, Diagnostics> {
        let mut found = Diagnostics::default();
        for rule in &self.matrix.tags {
            let Some(when) = &rule.when else { continue };
            if !self.holds_somewhere(when)? {
                found.push(self.unused(rule, when));
            } else if when.names().iter().any(|used| &*used.name == "latest") {
                let lost = self.lost(rule)?;
                if !lost.is_empty() {
                    found.push(stalled(when, &lost));
                }
            }
        }
        Ok(found)
    }

    /// Whether the condition can hold. A comparison with a var that is a plain string, such as
    /// `channel == "stable"`, is a switch for `--var` and does not depend on the cells.
    fn holds_somewhere(&mut self, when: &Condition) -> Result<bool, Diagnostics> {
        let is_plain = |value: &VarValue| match value {
            VarValue::Text(text) => text.is_literal(),
            VarValue::List(items) => items.iter().all(Template::is_literal),
        };
        let vars: Vec<&Var> = self.matrix.all_vars().filter(|var| is_plain(&var.value)).collect();
        let is_switch = |name: &str| vars.iter().any(|var| *var.name == *name);
        for values in &self.cells {
            let shared = self.layers.of(values);
            let (_, scope) = self.maker.scope(values, &shared.settings)?;
            if when.may_hold(&scope, &is_switch)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The references that `rule` gives if `latest` held for this cell.
    fn if_latest(
        &mut self,
        rule: &TagRule,
        values: &[usize],
    ) -> Result<Vec<Reference>, Diagnostics> {
        let shared = self.layers.of(values);
        let (_, mut scope) = self.maker.scope(values, &shared.settings)?;
        scope.set("latest", Value::Truth(true));
        self.maker.references(rule, &scope)
    }

    /// Whether any cell has this reference.
    fn is_known(&mut self, reference: &Reference) -> Result<bool, Diagnostics> {
        if self.references.is_none() {
            let mut all = HashSet::new();
            for values in &self.cells {
                let shared = self.layers.of(values);
                let (_, scope) = self.maker.scope(values, &shared.settings)?;
                for rule in &self.matrix.tags {
                    all.extend(self.maker.references(rule, &scope)?);
                }
            }
            self.references = Some(all);
        }
        Ok(self.references.as_ref().is_some_and(|all| all.contains(reference)))
    }

    /// The tags that `rule` would give only to excluded cells with the newest versions. Such a tag is a
    /// moving tag if an older cell next to the excluded one would get the same tag.
    fn lost(&mut self, rule: &TagRule) -> Result<Vec<Lost>, Diagnostics> {
        let axes = &self.matrix.axes;
        let newest: Vec<Option<usize>> = axes
            .iter()
            .map(|axis| {
                let newest = axis.newest()?.value;
                axis.values.iter().position(|value| value.text == newest.text)
            })
            .collect();
        let choices = axes.iter().zip(&newest).map(|(axis, newest)| match newest {
            Some(newest) => vec![*newest],
            None => (0..axis.values.len()).filter(|value| !axis.values[*value].included).collect(),
        });
        let excluded = Rules::new(&self.matrix.exclude, axes);
        let mut lost = Vec::new();
        let is_included =
            |values: &[usize]| self.matrix.included.iter().any(|cell| cell.values == values);
        let missing: Vec<Vec<usize>> = Product::of(choices.collect())
            .filter(|values| excluded.any(values) && !is_included(values))
            .collect();
        for values in missing {
            let wanted = self.if_latest(rule, &values)?;
            let Some(older) = self.older(&values, &newest).filter(|_| !wanted.is_empty()) else {
                continue;
            };
            let same = self.if_latest(rule, &older)?;
            for reference in wanted.into_iter().filter(|reference| same.contains(reference)) {
                if !self.is_known(&reference)? {
                    lost.push(Lost { reference, excluded: self.described(&values) });
                    break;
                }
            }
        }
        Ok(lost)
    }

    /// `os=centos version=1.10`
    fn described(&self, values: &[usize]) -> String {
        let pair =
            |(axis, value): (&Axis, &usize)| format!("{}={}", axis.name, axis.values[*value].text);
        let pairs: Vec<String> = self.matrix.axes.iter().zip(values).map(pair).collect();
        pairs.join(" ")
    }

    /// The newest cell that differs from the cell with these values only in its versions.
    fn older(&self, values: &[usize], newest: &[Option<usize>]) -> Option<Vec<usize>> {
        let axes = &self.matrix.axes;
        let beside = |cell: &&Vec<usize>| {
            (0..axes.len()).all(|axis| newest[axis].is_some() || cell[axis] == values[axis])
        };
        let text = |cell: &[usize], axis: usize| axes[axis].values[cell[axis]].text.clone();
        let order = |left: &&Vec<usize>, right: &&Vec<usize>| {
            let orders =
                (0..axes.len()).map(|axis| version::sort(&text(left, axis), &text(right, axis)));
            orders.fold(Ordering::Equal, Ordering::then)
        };
        self.cells.iter().filter(beside).max_by(order).cloned()
    }

    fn unused(&self, rule: &TagRule, when: &Condition) -> Diagnostic {
        let asks_latest = when.names().iter().any(|used| &*used.name == "latest");
        let axes = &self.matrix.axes;
        let newest = axes.iter().map(|axis| axis.newest().map(|newest| &newest.value.text));
        let newest: Vec<Option<&Arc<str>>> = newest.collect();
        let is_newest = |cell: &Vec<usize>| {
            let values = axes.iter().zip(cell).map(|(axis, value)| &axis.values[*value].text);
            values.zip(&newest).all(|(text, newest)| newest.is_none_or(|newest| newest == text))
        };
        let help = if asks_latest && newest.iter().all(Option::is_none) {
            "no axis has versions, so `latest` never holds".to_owned()
        } else if asks_latest && !self.cells.iter().any(is_newest) {
            let pair = |(axis, newest): (&Axis, &Option<&Arc<str>>)| {
                newest.map(|newest| format!("{}={newest}", axis.name))
            };
            let pairs: Vec<String> = axes.iter().zip(&newest).filter_map(pair).collect();
            format!("`latest` holds for {}, and these cells are excluded", pairs.join(" "))
        } else {
            "compare the condition with the cells in `onebuild plan`".to_owned()
        };
        let tag = rule.tag.text();
        Diagnostic::warning(format!("no cell has the tag `{tag}`: its `when` never holds"))
            .rule("unused-tag")
            .at(&when.span(), "")
            .help(help)
    }
}

fn stalled(when: &Condition, lost: &[Lost]) -> Diagnostic {
    const SHOWN: usize = 5;
    let tag =
        |lost: &Lost| lost.reference.tag.as_ref().map(ToString::to_string).unwrap_or_default();
    let tags: Vec<String> = lost.iter().map(tag).collect();
    let tags = listed(tags.iter().map(String::as_str));
    let message = match lost.len() {
        1 => format!("no cell has the tag `{tags}` anymore, so it stays on an older image"),
        _ => format!("no cell has these tags anymore, so they stay on older images: {tags}"),
    };
    let finding = Diagnostic::warning(message).rule("stalled-tag").at(&when.span(), "");
    let excluded =
        |lost: &Lost| format!("the cell that would have it is excluded: {}", lost.excluded);
    let finding = lost.iter().take(SHOWN).map(excluded).fold(finding, Diagnostic::note);
    finding.help("write a `when` that holds for the newest remaining cell")
}
