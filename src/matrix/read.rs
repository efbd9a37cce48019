//! From the tree to a matrix.

use super::check;
use super::pattern::Pattern;
use super::reader::Reader;
use super::rule::Rule;
use super::yaml::{self, Entry, Kind, Node};
use super::{Axis, AxisValue, Matrix, TagRule, Var, VarValue, range};
use crate::error::{Diagnostic, Diagnostics, SourceFile, Span, nearest};
use crate::image::Platform;
use crate::template::{Condition, Template, Value, is_name};

const KEYS: [&str; 14] = [
    "image",
    "tag",
    "tags",
    "platforms",
    "context",
    "dockerfile",
    "axes",
    "defaults",
    "vars",
    "args",
    "labels",
    "target",
    "bases",
    "exclude",
];

/// Names that every cell defines by itself.
const FACTS: [&str; 3] = ["image", "tag", "latest"];

const MOST_VALUES: usize = 10_000;

pub(super) fn read(file: SourceFile) -> Result<Matrix, Diagnostics> {
    let (root, errors) = yaml::read(&file)?;
    let mut reader = Reader { errors };
    let Kind::Map(entries) = &root.kind else {
        reader.unfit(&root.span, file.name(), "a map of `key: value`", &root.kind);
        return Err(reader.errors);
    };
    for entry in entries {
        // `x-` keys hold what anchors are made for, as in Compose files.
        if !KEYS.contains(&entry.key.as_str()) && !entry.key.starts_with("x-") {
            reader.unknown(entry, &KEYS);
        }
    }
    let start = file.span(0..0);
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let required = |reader: &mut Reader, key: &str, example: &str| {
        let found = find(key);
        // A key that was meant to be this one has been reported as unknown.
        let meant =
            |entry: &Entry| !KEYS.contains(&&*entry.key) && nearest(&entry.key, KEYS) == Some(key);
        if found.is_none() && !entries.iter().any(meant) {
            reader.errors.push(
                Diagnostic::error(format!("`{key}` is missing"))
                    .at(&start, "")
                    .help(format!("add it, such as `{example}`")),
            );
        }
        found
    };

    let axes_entry = required(&mut reader, "axes", "axes: { os: [ubuntu, alpine] }");
    let axes = axes_entry.map(|entry| reader.axes(entry)).unwrap_or_default();
    let images = required(&mut reader, "image", "image: me/app")
        .map(|entry| reader.inline_list(&entry.value, "image"))
        .unwrap_or_default();
    let misspelt = |entry: &Entry| {
        !KEYS.contains(&&*entry.key) && matches!(nearest(&entry.key, KEYS), Some("tag" | "tags"))
    };
    let tags = match (find("tag"), find("tags")) {
        (None, None) if entries.iter().any(misspelt) => Vec::new(),
        (tag, tags) => reader.tags(tag, tags, &start),
    };
    let platforms = required(&mut reader, "platforms", "platforms: [linux/amd64, linux/arm64]")
        .map(|entry| reader.platforms(&entry.value))
        .unwrap_or_default();
    let defaults = find("defaults");
    let defaults = reader.defaults(defaults, &axes);
    let vars = find("vars").map(|entry| reader.vars(&entry.value, &axes)).unwrap_or_default();
    let mut warnings = Diagnostics::default();
    let exclude = find("exclude")
        .map(|entry| reader.rules(&entry.value, "exclude", &axes, &mut warnings))
        .unwrap_or_default();
    let mut one = |key: &str| find(key).and_then(|entry| reader.template(&entry.value, key));
    let (context, dockerfile, target) = (one("context"), one("dockerfile"), one("target"));
    let mut many =
        |key: &str| find(key).map(|entry| reader.templates(&entry.value, key)).unwrap_or_default();
    let (args, labels, bases) = (many("args"), many("labels"), many("bases"));

    let axes_span = axes_entry.map_or(start, |entry| entry.key_span.clone());
    let matrix = Matrix {
        file,
        axes,
        axes_span,
        defaults,
        images,
        tags,
        platforms: platforms.into(),
        context,
        dockerfile,
        vars,
        args,
        labels,
        target,
        bases,
        exclude,
        warnings,
    };
    let mut errors = reader.errors;
    // Without axes every name would be wrong.
    if !matrix.axes.is_empty() {
        check::names(&matrix, &mut errors);
    }
    check::literals(&matrix, &mut errors);
    errors.sort();
    errors.check(matrix)
}

impl Reader {
    fn axes(&mut self, entry: &Entry) -> Vec<Axis> {
        let entries = self.map(&entry.value, "axes");
        if entries.is_empty() && matches!(entry.value.kind, Kind::Empty | Kind::Map(_)) {
            self.error(&entry.key_span, "a matrix needs at least one axis");
        }
        let mut axes = Vec::new();
        for entry in entries {
            self.name(&entry.key, &entry.key_span, "an axis");
            let values = self.axis_values(entry);
            // A wrong axis has been reported; what refers to it should not be wrong as well.
            let span = entry.value.span.clone();
            axes.push(Axis { name: entry.key.as_str().into(), span, values });
        }
        axes
    }

    fn axis_values(&mut self, entry: &Entry) -> Vec<AxisValue> {
        let what = format!("axes.{}", entry.key);
        let mut values = Vec::new();
        match &entry.value.kind {
            Kind::Scalar(text) => self.range(text, &entry.value.span, Vec::new(), &mut values),
            Kind::List(items) => {
                for item in items {
                    if let Some((text, span)) = self.text(item, &what) {
                        self.range(text, span, Vec::new(), &mut values);
                    }
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    let properties = self.properties(&what, entry);
                    self.range(&entry.key, &entry.key_span, properties, &mut values);
                }
            }
            kind @ Kind::Empty => {
                let wanted = "a list, a range or a map of values to properties";
                self.unfit(&entry.key_span, &what, wanted, kind);
                return values;
            }
        }
        let none = match &entry.value.kind {
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Empty | Kind::Scalar(_) => false,
        };
        if none {
            self.error(&entry.value.span, format!("axis `{}` has no values", entry.key));
        }
        values
    }

    fn properties(&mut self, what: &str, entry: &Entry) -> Vec<(std::sync::Arc<str>, Value)> {
        let what = format!("{what}.{}", entry.key);
        let mut found = Vec::new();
        for property in self.map(&entry.value, &what) {
            if !is_name(&property.key) {
                let message = format!("`{}` cannot name a property", property.key);
                self.errors.push(
                    Diagnostic::error(message)
                        .at(&property.key_span, "")
                        .help("use letters, digits and `_`, not a digit first"),
                );
            }
            let value = match &property.value.kind {
                Kind::Empty => Value::from(""),
                Kind::List(items) => Value::List(
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
        properties: Vec<(std::sync::Arc<str>, Value)>,
        values: &mut Vec<AxisValue>,
    ) {
        let texts = match range::values(text) {
            Ok(texts) => texts,
            Err(why) => return self.error(span, why),
        };
        if texts.len() + values.len() > MOST_VALUES {
            return self.error(span, format!("an axis has more than {MOST_VALUES} values"));
        }
        if text.chars().any(char::is_control) {
            return self.error(span, "a value of an axis holds a control character");
        }
        let known: std::collections::HashMap<std::sync::Arc<str>, Span> =
            values.iter().map(|value| (value.text.clone(), value.span.clone())).collect();
        let properties: std::sync::Arc<[_]> = properties.into();
        for text in texts {
            if let Some(first) = known.get(text.as_str()) {
                self.errors.push(
                    Diagnostic::error(format!("the value `{text}` is listed twice"))
                        .at(span, "again")
                        .at(first, "first"),
                );
                continue;
            }
            let text: std::sync::Arc<str> = text.into();
            let value = if properties.is_empty() {
                Value::Text(text.clone())
            } else {
                Value::Record { text: text.clone(), properties: properties.clone() }
            };
            values.push(AxisValue { text, value, span: span.clone() });
        }
    }

    /// Refuses what could not be written between `<%` and `%>`.
    fn name(&mut self, name: &str, span: &Span, what: &str) {
        if FACTS.contains(&name) {
            let message = format!("`{name}` cannot name {what}: every cell has its own `{name}`");
            self.error(span, message);
        } else if !is_name(name) {
            let reserved = is_name(&format!("{name}_"));
            self.errors.push(
                Diagnostic::error(format!("`{name}` cannot name {what}")).at(span, "").help(
                    if reserved {
                        "it is a word of the template language"
                    } else {
                        "use letters, digits and `_`, not a digit first"
                    },
                ),
            );
        }
    }

    fn inline_list(&mut self, node: &Node, what: &str) -> Vec<Template> {
        let texts = self.texts(node, what);
        if texts.is_empty() && matches!(node.kind, Kind::List(_)) {
            self.error(&node.span, format!("`{what}` needs at least one entry"));
        }
        texts.into_iter().filter_map(|(text, span)| self.inline(text, span)).collect()
    }

    fn tags(&mut self, tag: Option<&Entry>, tags: Option<&Entry>, start: &Span) -> Vec<TagRule> {
        let entry = match (tag, tags) {
            (Some(entry), None) | (None, Some(entry)) => entry,
            (Some(one), Some(many)) => {
                self.errors.push(
                    Diagnostic::error("`tag` and `tags` exclude each other")
                        .at(&many.key_span, "")
                        .at(&one.key_span, ""),
                );
                return Vec::new();
            }
            (None, None) => {
                self.errors.push(
                    Diagnostic::error("`tag` is missing")
                        .at(start, "")
                        .help("add it, with every axis in it: `tag: <%version%>-<%os%>`"),
                );
                return Vec::new();
            }
        };
        let plain = |tag| TagRule { tag, when: None };
        match &entry.value.kind {
            Kind::List(items) if entry.key == "tags" => {
                if items.is_empty() {
                    self.error(&entry.value.span, "`tags` needs at least one entry");
                }
                items.iter().filter_map(|item| self.tag_rule(item)).collect()
            }
            _ => self.template(&entry.value, &entry.key).map(plain).into_iter().collect(),
        }
    }

    /// A text, or `{ tag: …, when: … }`.
    fn tag_rule(&mut self, node: &Node) -> Option<TagRule> {
        let Kind::Map(entries) = &node.kind else {
            return self.template(node, "tags").map(|tag| TagRule { tag, when: None });
        };
        let mut tag = None;
        let mut when = None;
        for entry in entries {
            match entry.key.as_str() {
                "tag" => tag = self.template(&entry.value, "tag"),
                "when" => {
                    let (text, span) = self.text(&entry.value, "when")?;
                    when = Condition::inline(text, span.clone())
                        .map_err(|errors| self.errors.extend(errors))
                        .ok();
                }
                _ => self.unknown(entry, &["tag", "when"]),
            }
        }
        if entries.iter().all(|entry| entry.key != "tag") {
            self.error(&node.span, "an entry of `tags` needs a `tag`");
        }
        tag.map(|tag| TagRule { tag, when })
    }

    fn platforms(&mut self, node: &Node) -> Vec<Platform> {
        let mut found: Vec<Platform> = Vec::new();
        let texts = self.texts(node, "platforms");
        if texts.is_empty() && matches!(node.kind, Kind::List(_)) {
            self.error(&node.span, "`platforms` needs at least one entry");
        }
        for (text, span) in texts {
            match text.parse::<Platform>() {
                Ok(platform) if found.contains(&platform) => {
                    self.error(span, format!("platform {platform} is listed twice"));
                }
                Ok(platform) => found.push(platform),
                Err(error) => self.error(span, error.to_string()),
            }
        }
        found
    }

    fn defaults(&mut self, entry: Option<&Entry>, axes: &[Axis]) -> Vec<Vec<usize>> {
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

    fn axis_named(&mut self, entry: &Entry, axes: &[Axis]) -> Option<usize> {
        let index = axes.iter().position(|axis| *axis.name == *entry.key);
        if index.is_none() {
            let names = || axes.iter().map(|axis| &*axis.name);
            self.errors.push(
                Diagnostic::error(format!("there is no axis `{}`", entry.key))
                    .at(&entry.key_span, "")
                    .help(format!("axes: {}", crate::error::listed(names())))
                    .help_nearest(&entry.key, names()),
            );
        }
        index
    }

    fn vars(&mut self, node: &Node, axes: &[Axis]) -> Vec<Var> {
        let mut found = Vec::new();
        for entry in self.map(node, "vars") {
            self.name(&entry.key, &entry.key_span, "a var");
            if let Some(axis) = axes.iter().find(|axis| *axis.name == *entry.key) {
                self.errors.push(
                    Diagnostic::error(format!("`{}` is an axis already", entry.key))
                        .at(&entry.key_span, "")
                        .at(&axis.span, "the axis"),
                );
            }
            let value = match &entry.value.kind {
                Kind::Empty => self.inline("", &entry.key_span).map(VarValue::Text),
                Kind::List(items) => {
                    let what = format!("vars.{}", entry.key);
                    let items = items.iter().filter_map(|item| self.template(item, &what));
                    Some(VarValue::List(items.collect()))
                }
                _ => {
                    self.template(&entry.value, &format!("vars.{}", entry.key)).map(VarValue::Text)
                }
            };
            // A broken value is kept as an empty one: its name is defined all the same.
            let value = value.unwrap_or(VarValue::List(Vec::new()));
            found.push(Var {
                name: entry.key.as_str().into(),
                span: entry.key_span.clone(),
                value,
            });
        }
        found
    }

    fn rules(
        &mut self,
        node: &Node,
        what: &str,
        axes: &[Axis],
        warnings: &mut Diagnostics,
    ) -> Vec<Rule> {
        match &node.kind {
            Kind::List(items) => {
                items.iter().map(|item| self.rule(item, what, axes, warnings)).collect()
            }
            Kind::Empty => Vec::new(),
            kind => {
                self.unfit(&node.span, what, "a list of rules, such as `- os: alpine`", kind);
                Vec::new()
            }
        }
    }

    /// `axis: value, glob, list or comparison`, for one axis or several.
    fn rule(&mut self, node: &Node, what: &str, axes: &[Axis], warnings: &mut Diagnostics) -> Rule {
        let mut rule = Rule::new(axes.len());
        let entries = self.map(node, &format!("a rule of {what}"));
        if entries.is_empty() && matches!(node.kind, Kind::Map(_) | Kind::Empty) {
            self.error(&node.span, "a rule needs at least one axis, or it would mean every cell");
        }
        for entry in entries {
            let Some(index) = self.axis_named(entry, axes) else { continue };
            let axis = &axes[index];
            let mut matching = Vec::new();
            for (text, span) in self.texts(&entry.value, &format!("{what}.{}", entry.key)) {
                match Pattern::parse(text) {
                    Err(why) => self.error(span, why),
                    Ok(pattern) => {
                        let found = axis.matching(&pattern);
                        if found.is_empty() {
                            let message = format!("this rule matches no value of `{}`", axis.name);
                            warnings.push(
                                Diagnostic::warning(message)
                                    .at(span, format!("known: {}", axis.known()))
                                    .help_nearest(
                                        text,
                                        axis.values.iter().map(|value| &*value.text),
                                    ),
                            );
                        }
                        matching.extend(found);
                    }
                }
            }
            rule.restrict(index, axis, &matching);
        }
        rule
    }
}
