//! Reads `exclude`, `include` and `overrides`.

use std::collections::HashSet;
use std::sync::Arc;

use super::SETTINGS;
use crate::error::{Diagnostic, Span, listed};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{
    Axis, AxisValue, Included, Layer, Lookup, MOST_CELLS, Pattern, Product, Rule, Rules, Settings,
    always_true, known_axes, unknown_order,
};
use crate::template::Value;
use crate::yaml::{Entry, Node, NodeKind};

impl Reader<'_> {
    /// The entries of `exclude`.
    pub(crate) fn exclude(&mut self, node: &Node, axes: &[Axis]) -> Vec<Rule> {
        let nodes = self.rules(node, "exclude");
        let lookups: Vec<Lookup<'_>> = axes.iter().map(Lookup::new).collect();
        nodes.iter().map(|node| self.exclusion(node, axes, &lookups)).collect()
    }

    fn exclusion(&mut self, node: &Node, axes: &[Axis], lookups: &[Lookup<'_>]) -> Rule {
        let entries = self.map(node, "a rule of exclude");
        self.speaks_of_axes(node, entries.len());
        let mut rule = Rule::new(axes.len());
        rule.span = Some(node.span.clone());
        for entry in entries {
            if let Some(index) = self.axis_named(entry, axes) {
                self.restrict(&mut rule, index, entry, "exclude", axes, lookups);
            }
        }
        rule
    }

    /// The entries of `overrides`.
    pub(crate) fn overrides(&mut self, node: &Node, axes: &[Axis]) -> Vec<Layer> {
        let nodes = self.rules(node, "overrides");
        let mut layers = Vec::new();
        let lookups: Vec<Lookup<'_>> = axes.iter().map(Lookup::new).collect();
        for node in nodes {
            let layer = self.layer(node, "overrides", axes, &lookups);
            if layer.settings.is_empty() && self.speaks_only_of(node, axes) {
                self.errors.push(
                    Diagnostic::error("this rule changes nothing")
                        .at(&node.span, "")
                        .help(format!("add a setting: {}", SETTINGS.join(", "))),
                );
            }
            layers.push(layer);
        }
        layers
    }

    /// The entries of `include`. Call [`Self::include_values`] first: they can use values that the
    /// axes do not list.
    pub(crate) fn include(
        &mut self,
        node: &Node,
        axes: &[Axis],
        exclude: &[Rule],
    ) -> (Vec<Layer>, Vec<Included>) {
        let (mut layers, mut added) = (Vec::new(), Vec::new());
        let mut known: HashSet<Vec<usize>> = HashSet::new();
        let lookups: Vec<Lookup<'_>> = axes.iter().map(Lookup::new).collect();
        let excluded = Rules::new(exclude, axes);
        for node in self.rules(node, "include") {
            let mut layer = self.layer(node, "include", axes, &lookups);
            let before = added.len();
            if let Some(named) = whole(node, axes) {
                let cells: Vec<Vec<usize>> = self.combinations(node, named, &lookups).collect();
                for values in cells.iter().cloned() {
                    let listed = |(value, axis): (&usize, &Axis)| !axis.values[*value].included;
                    let there = values.iter().zip(axes).all(listed) && !excluded.any(&values);
                    if !there && known.insert(values.clone()) {
                        added.push(Included { values });
                    }
                }
                if added.len() == before && layer.settings.is_empty() {
                    self.warnings.push(
                        Diagnostic::warning("this entry adds nothing")
                            .at(&node.span, "the matrix already contains its cells"),
                    );
                }
                layer.cells = Some(cells);
            } else if layer.settings.is_empty() && self.speaks_only_of(node, axes) {
                let spoken: Vec<&str> = self.keys(node);
                let missing = axes.iter().map(|axis| &*axis.name);
                let missing: Vec<&str> = missing.filter(|name| !spoken.contains(name)).collect();
                let why = match missing.is_empty() {
                    true => "a new cell requires plain values, without `*`, `?` or comparisons",
                    false => &format!("a new cell also requires: {}", listed(missing)),
                };
                self.errors.push(
                    Diagnostic::error("this entry adds no cell and no setting")
                        .at(&node.span, why)
                        .help("add a value for every axis, or settings for the matching cells"),
                );
            }
            layers.push(layer);
        }
        (layers, added)
    }

    /// Adds the values to the axes that only entries of `include` have.
    pub(crate) fn include_values(&mut self, node: &Node, axes: &mut [Axis]) {
        let NodeKind::List(nodes) = &node.kind else { return };
        let texts = |axis: &Axis| axis.values.iter().map(|value| value.text.clone()).collect();
        let mut known: Vec<HashSet<Arc<str>>> = axes.iter().map(texts).collect();
        for node in nodes {
            let Some(named) = whole(node, axes) else { continue };
            for (index, entry) in named {
                for (text, span, with) in plain_values(&entry.value) {
                    if known[index].contains(text) {
                        continue;
                    }
                    if text.is_empty() || text.chars().any(char::is_control) {
                        let message = format!("this cannot be a value of `{}`", entry.key);
                        let help = "a value is not empty and has no control characters";
                        self.wrong(span, message, help);
                        continue;
                    }
                    let properties = match with {
                        Some(with) => self.properties(&format!("include.{}", entry.key), with),
                        None => Vec::new(),
                    };
                    let text: Arc<str> = text.into();
                    known[index].insert(text.clone());
                    let value = match properties.is_empty() {
                        true => Value::Text(text.clone()),
                        false => {
                            Value::Record { text: text.clone(), properties: properties.into() }
                        }
                    };
                    let span = span.clone();
                    axes[index].values.push(AxisValue {
                        text,
                        value,
                        span,
                        included: true,
                        is_marked: false,
                    });
                }
            }
        }
    }

    /// The keys of an entry.
    fn keys<'n>(&self, node: &'n Node) -> Vec<&'n str> {
        match &node.kind {
            NodeKind::Map(entries) => entries.iter().map(|entry| entry.key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Every combination of an entry's values.
    fn combinations(
        &mut self,
        node: &Node,
        named: Vec<(usize, &Entry)>,
        lookups: &[Lookup<'_>],
    ) -> impl Iterator<Item = Vec<usize>> + use<> {
        let mut lists = vec![Vec::new(); lookups.len()];
        for (index, entry) in named {
            for (text, ..) in plain_values(&entry.value) {
                lists[index].extend(lookups[index].number(text));
            }
        }
        let count = lists.iter().fold(1_u128, |count, list| count.saturating_mul(list.len() as _));
        if count > MOST_CELLS {
            self.error(
                &node.span,
                format!("this entry adds {count} cells; the limit is {MOST_CELLS}"),
            );
            lists.iter_mut().for_each(Vec::clear);
        }
        Product::of(lists)
    }

    /// The nodes of a list of rules.
    fn rules<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            NodeKind::List(items) => items,
            NodeKind::Empty => &[],
            kind => {
                self.unfit(&node.span, what, "a list of rules, such as `- os: alpine`", kind);
                &[]
            }
        }
    }

    /// Whether all keys are axes, and there are some; other keys have been reported already.
    fn speaks_only_of(&self, node: &Node, axes: &[Axis]) -> bool {
        let keys: Vec<&str> = self.keys(node);
        let is_axis = |key: &&str| axes.iter().any(|axis| *axis.name == **key);
        !keys.is_empty() && keys.iter().all(is_axis)
    }

    fn speaks_of_axes(&mut self, node: &Node, axes: usize) {
        if axes == 0 && matches!(node.kind, NodeKind::Map(_) | NodeKind::Empty) {
            let message =
                "a rule requires at least one axis; without one it would match every cell";
            self.wrong(&node.span, message, "add an axis, such as `os: ubuntu`");
        }
    }

    /// Keys that are axes select the cells; the others are settings.
    fn layer(&mut self, node: &Node, what: &str, axes: &[Axis], lookups: &[Lookup<'_>]) -> Layer {
        let entries = self.map(node, &format!("a rule of {what}"));
        let is_setting = |entry: &&Entry| SETTINGS.contains(&entry.key.as_str());
        let mut settings = self.settings(entries, axes);
        let mut rule = Rule::new(axes.len());
        let warnings = self.warnings.len();
        // The values of an entry that adds cells are names, not patterns.
        let by_cell = what == "include" && whole(node, axes).is_some();
        self.speaks_of_axes(node, entries.iter().filter(|entry| !is_setting(entry)).count());
        for entry in entries.iter().filter(|entry| !is_setting(entry)) {
            let Some(index) = axes.iter().position(|axis| *axis.name == *entry.key) else {
                let names = || axes.iter().map(|axis| &*axis.name);
                let known = || names().chain(SETTINGS);
                self.errors.push(
                    Diagnostic::error(format!("`{}` is neither an axis nor a setting", entry.key))
                        .at(&entry.key_span, "")
                        .help(format!("{}; settings: {}", known_axes(names()), SETTINGS.join(", ")))
                        .help_nearest(&entry.key, known()),
                );
                continue;
            };
            if !by_cell {
                self.restrict(&mut rule, index, entry, what, axes, lookups);
            }
            if what == "include" {
                self.properties_of(&mut settings, index, entry, axes, &lookups[index]);
            }
        }
        let idle = self.warnings.len() > warnings;
        Layer { rule, cells: None, settings, span: node.span.clone(), idle }
    }

    /// `axis: { value: { property: … } }` in an entry of `include`.
    fn properties_of(
        &mut self,
        settings: &mut Settings,
        index: usize,
        entry: &Entry,
        axes: &[Axis],
        lookup: &Lookup<'_>,
    ) {
        for (text, _, with) in plain_values(&entry.value) {
            let position = lookup.number(text);
            if let (Some(value), Some(with)) = (position, with) {
                let properties = self.properties(&format!("include.{}", entry.key), with);
                if !properties.is_empty() && !axes[index].values[value].included {
                    settings.properties.push((index, value, properties.into()));
                }
            }
        }
    }

    /// Restricts `rule` to values of an axis.
    fn restrict(
        &mut self,
        rule: &mut Rule,
        index: usize,
        entry: &Entry,
        what: &str,
        axes: &[Axis],
        lookups: &[Lookup<'_>],
    ) {
        let axis = &axes[index];
        let texts: Vec<(&str, &Span)> = match &entry.value.kind {
            NodeKind::Map(_) if what == "include" => {
                plain_values(&entry.value).into_iter().map(|(text, span, _)| (text, span)).collect()
            }
            _ => self.texts(&entry.value, &format!("{what}.{}", entry.key)),
        };
        let (mut patterns, mut places) = (Vec::new(), Vec::new());
        for (text, span) in texts {
            match Pattern::parse(text) {
                Err(wrong) => self.errors.push(wrong.at(span, "")),
                Ok(pattern) => {
                    self.undecided(&pattern, axis, span);
                    patterns.push(pattern);
                    places.push((text, span));
                }
            }
        }
        if let Some(finding) = always_true(&patterns, &entry.value.span) {
            self.warnings.push(finding);
        }
        let used = rule.restrict(index, &lookups[index], patterns);
        // An axis without values has been reported, or is not loaded yet.
        let idle = used.iter().map(|used| !used && !axis.values.is_empty());
        for ((text, span), _) in places.into_iter().zip(idle).filter(|(_, idle)| *idle) {
            let message = format!("this rule matches no value of `{}`", axis.name);
            self.warnings.push(
                Diagnostic::warning(message)
                    .at(span, format!("known: {}", axis.known()))
                    .help_nearest(text, axis.values.iter().map(|value| &*value.text)),
            );
        }
    }
}

impl Reader<'_> {
    /// Warns if a value and the pattern's version have no defined order.
    fn undecided(&mut self, pattern: &Pattern, axis: &Axis, span: &Span) {
        let texts = axis.values.iter().map(|value| &*value.text);
        let unknown = texts.filter_map(|text| Some((text, pattern.undecided(text)?))).next();
        if let Some((value, bound)) = unknown {
            self.warnings.push(unknown_order(span, value, bound));
        }
    }
}

/// The entries for every axis, if this entry of `include` gives plain values for each.
fn whole<'n>(node: &'n Node, axes: &[Axis]) -> Option<Vec<(usize, &'n Entry)>> {
    let NodeKind::Map(entries) = &node.kind else { return None };
    let find = |(index, axis): (usize, &Axis)| {
        let entry = entries.iter().find(|entry| *entry.key == *axis.name)?;
        (!plain_values(&entry.value).is_empty()).then_some((index, entry))
    };
    axes.iter().enumerate().map(find).collect()
}

/// The plain values in a node of `include`, with their places and the entry that gives them
/// properties; `None` if one of them is a pattern.
fn plain_values<'n>(node: &'n Node) -> Vec<(&'n str, &'n Span, Option<&'n Entry>)> {
    let found: Vec<(&'n str, &'n Span, Option<&'n Entry>)> = match &node.kind {
        NodeKind::Scalar(text) => vec![(text, &node.span, None)],
        NodeKind::List(items) => {
            let text = |item: &'n Node| match &item.kind {
                NodeKind::Scalar(text) => Some((text.as_str(), &item.span, None)),
                _ => None,
            };
            items.iter().map(text).collect::<Option<_>>().unwrap_or_default()
        }
        NodeKind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.as_str(), &entry.key_span, Some(entry))).collect()
        }
        NodeKind::Empty => Vec::new(),
    };
    let is_plain = |text: &str| Pattern::parse(text).is_ok_and(|pattern| pattern.is_plain());
    if found.iter().all(|(text, ..)| is_plain(text)) { found } else { Vec::new() }
}
