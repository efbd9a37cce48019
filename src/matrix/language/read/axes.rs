//! Reads axes and `defaults`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::SETTINGS;
use crate::error::{Diagnostic, Span, control_character};
use crate::matrix::language::reader::Reader;
use crate::matrix::model::{Axis, AxisSource, AxisValue, CELL_NAMES, known_axes, range};
use crate::template::{Value, is_name};
use crate::yaml::{Entry, Node, NodeKind};

const MAX_VALUES: usize = 10_000;

/// Values of an axis by name, in order.
type Values = IndexMap<Arc<str>, AxisValue>;

impl Reader<'_> {
    pub(crate) fn axes(&mut self, entry: &Entry) -> Vec<Axis> {
        let entries = self.map(&entry.value, "axes");
        if entries.is_empty() && matches!(entry.value.kind, NodeKind::Empty | NodeKind::Map(_)) {
            let finding = Diagnostic::error("`axes` has no axis");
            let help = "add one, such as `os: [ubuntu, alpine]`; for one image, remove `axes`";
            self.errors.push(finding.at(&entry.key_span, "").help(help));
        }
        let mut axes = Vec::new();
        for entry in entries {
            self.name(&entry.key, &entry.key_span, "an axis");
            if SETTINGS.contains(&entry.key.as_str()) {
                let message = format!("`{}` cannot name an axis", entry.key);
                self.errors.push(
                    Diagnostic::error(message)
                        .at(&entry.key_span, "")
                        .help("rules have a key of that name, so the two would be ambiguous"),
                );
            }
            let values = self.axis_values(entry);
            // The error has been reported; references to the axis should not be reported as well.
            let span = entry.value.span.clone();
            let key_span = entry.key_span.clone();
            axes.push(Axis { name: entry.key.as_str().into(), key_span, span, values });
        }
        axes
    }

    fn axis_values(&mut self, entry: &Entry) -> Vec<AxisValue> {
        let what = format!("axes.{}", entry.key);
        let mut values = Values::new();
        match &entry.value.kind {
            NodeKind::Scalar(text) => match several(text) {
                Some(texts) => {
                    let span = &entry.value.span;
                    let list = texts.join(", ");
                    let one = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    let message = format!("axis `{}` has one value, `{one}`", entry.key);
                    let help = format!(
                        "write several values as a list: `{key}: [{list}]`; if it is one value, \
                         write `{key}: [\"{one}\"]`",
                        key = entry.key
                    );
                    self.wrong(span, message, &help);
                    for text in texts {
                        self.range(text, span, Vec::new(), &mut values);
                    }
                }
                None => self.range(text, &entry.value.span, Vec::new(), &mut values),
            },
            NodeKind::List(items) => {
                for item in items {
                    match &item.kind {
                        NodeKind::Scalar(text) => {
                            self.range(text, &item.span, Vec::new(), &mut values);
                        }
                        kind => self.errors.push(no_value(&what, item, kind)),
                    }
                }
            }
            NodeKind::Map(entries) if AxisSource::is_meant(entries) => {
                return self.axis_source(entry, entries);
            }
            NodeKind::Map(entries) => {
                for entry in entries {
                    let properties = self.properties(&what, entry);
                    self.range(&entry.key, &entry.key_span, properties, &mut values);
                }
            }
            kind @ NodeKind::Empty => {
                let message =
                    format!("`{what}` must be a list, a range or a map of values to properties");
                let finding = Diagnostic::error(message).at(&entry.key_span, kind.described());
                self.errors.push(finding.help(list_values(&entry.key)));
                return Vec::new();
            }
        }
        let none = match &entry.value.kind {
            NodeKind::List(items) => items.is_empty(),
            NodeKind::Map(entries) => entries.is_empty(),
            NodeKind::Empty | NodeKind::Scalar(_) => false,
        };
        if none {
            let finding = Diagnostic::error(format!("axis `{}` has no values", entry.key));
            self.errors.push(finding.at(&entry.value.span, "").help(list_values(&entry.key)));
        }
        values.into_values().collect()
    }

    /// `value: { property: string or list }`.
    pub(crate) fn properties(&mut self, what: &str, entry: &Entry) -> Vec<(Arc<str>, Value)> {
        let what = format!("{what}.{}", entry.key);
        let mut found = Vec::new();
        if let NodeKind::Scalar(text) = &entry.value.kind {
            let axis = what.split('.').nth(1).unwrap_or_default();
            let message = format!("`{what}` must be a map of properties");
            let finding = Diagnostic::error(message).at(&entry.value.span, "this is a string");
            self.errors.push(finding.help(format!(
                "name the property: `{}: {{ base: {text} }}`, and use it as `<%{axis}.base%>`",
                entry.key
            )));
            return found;
        }
        for property in self.map(&entry.value, &what) {
            if !is_name(&property.key) {
                let message = format!("`{}` cannot name a property", property.key);
                self.errors.push(
                    Diagnostic::error(message)
                        .at(&property.key_span, "")
                        .help("use letters, digits and `_`; the first character cannot be a digit"),
                );
            }
            let value = match &property.value.kind {
                NodeKind::Empty => Value::from(""),
                NodeKind::List(items) => Value::List(
                    items
                        .iter()
                        .filter_map(|item| self.text(item, &what))
                        .map(|(text, _)| Value::from(text))
                        .collect(),
                ),
                _ => match self.text(&property.value, &format!("{what}.{}", property.key)) {
                    Some((text, _)) => Value::from(text),
                    None => continue,
                },
            };
            found.push((property.key.as_str().into(), value));
        }
        found
    }

    /// Adds a single value, or all values of a range.
    fn range(
        &mut self,
        text: &str,
        span: &Span,
        properties: Vec<(Arc<str>, Value)>,
        values: &mut Values,
    ) {
        let texts = match range::values(text) {
            Ok(texts) => texts,
            Err(wrong) => return self.errors.push(wrong.at(span, "")),
        };
        if texts.len() + values.len() > MAX_VALUES {
            let message = format!("an axis has more than {MAX_VALUES} values");
            return self.wrong(span, message, "list fewer values, or split the matrix");
        }
        if let Some(found) = control_character(text) {
            let message = format!("a value of an axis contains {found}");
            let help = "remove it: a value is part of tags and of lines in Dockerfiles";
            return self.errors.push(Diagnostic::error(message).at(span, "").help(help));
        }
        let properties: Arc<[_]> = properties.into();
        for text in texts {
            if let Some(first) = values.get(text.as_str()) {
                self.errors.push(
                    Diagnostic::error(format!("the value `{text}` is listed twice"))
                        .at(span, "again")
                        .at(&first.span, "first"),
                );
                continue;
            }
            let text: Arc<str> = text.into();
            let value = if properties.is_empty() {
                Value::Text(text.clone())
            } else {
                Value::Record { text: text.clone(), properties: properties.clone() }
            };
            let value = AxisValue {
                text: text.clone(),
                value,
                span: span.clone(),
                included: false,
                is_marked: false,
            };
            values.insert(text, value);
        }
    }

    /// Rejects names that cannot be written between `<%` and `%>`.
    pub(crate) fn name(&mut self, name: &str, span: &Span, what: &str) {
        if CELL_NAMES.contains(&name) {
            let message = format!("`{name}` cannot name {what}: every cell defines `{name}`");
            self.wrong(span, message, "choose another name");
        } else if !is_name(name) {
            let reserved = is_name(&format!("{name}_"));
            self.errors.push(
                Diagnostic::error(format!("`{name}` cannot name {what}")).at(span, "").help(
                    if reserved {
                        "it is a keyword of the template language"
                    } else {
                        "use letters, digits and `_`; the first character cannot be a digit"
                    },
                ),
            );
        }
    }

    pub(crate) fn defaults(&mut self, entry: Option<&Entry>, axes: &[Axis]) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); axes.len()];
        let Some(entry) = entry else { return found };
        for entry in self.map(&entry.value, "defaults") {
            let Some(index) = self.axis_named(entry, axes) else { continue };
            let what = format!("defaults.{}", entry.key);
            for (text, span) in self.texts(&entry.value, &what) {
                let axis = &axes[index];
                match axis.values.iter().position(|value| *value.text == *text) {
                    Some(value) => found[index].push(value),
                    None if axis.values.is_empty() => {}
                    None => self.errors.push(
                        Diagnostic::error(format!("axis `{}` has no value `{text}`", axis.name))
                            .at(span, "")
                            .help(format!("known: {}", axis.known()))
                            .help_nearest(text, axis.values.iter().map(|value| &*value.text)),
                    ),
                }
            }
        }
        found
    }

    pub(crate) fn axis_named(&mut self, entry: &Entry, axes: &[Axis]) -> Option<usize> {
        let index = axes.iter().position(|axis| *axis.name == *entry.key);
        if index.is_none() {
            let names = || axes.iter().map(|axis| &*axis.name);
            self.errors.push(
                Diagnostic::error(format!("there is no axis `{}`", entry.key))
                    .at(&entry.key_span, "")
                    .help(known_axes(names()))
                    .help_nearest(&entry.key, names()),
            );
        }
        index
    }
}

/// The words of a text that is probably a list: `1.0, 1.1`.
fn several(text: &str) -> Option<Vec<&str>> {
    let is_sign = |c: char| c == ',' || c.is_whitespace();
    let words: Vec<&str> = text.split(is_sign).filter(|word| !word.is_empty()).collect();
    let is_word = |word: &&str| word.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c));
    (words.len() > 1 && words.iter().all(is_word)).then_some(words)
}

/// The help for an axis without values.
fn list_values(axis: &str) -> String {
    format!("list its values, such as `{axis}: [1.0, 1.1]`, or remove the axis")
}

/// The error for a list or a map among the values of an axis.
fn no_value(axis: &str, item: &Node, kind: &NodeKind) -> Diagnostic {
    let finding = Diagnostic::error(format!("a value of `{axis}` must be a string"));
    let help = match kind {
        NodeKind::Map(_) => "for properties, write the axis as a map: `{ VALUE: { NAME: TEXT } }`",
        NodeKind::List(_) => "write all values in one list",
        NodeKind::Empty | NodeKind::Scalar(_) => "write a value, or remove the item",
    };
    finding.at(&item.span, kind.described()).help(help)
}
