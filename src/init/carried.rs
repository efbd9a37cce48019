//! Translates a Makefile's variables into axes, properties and vars.

use indexmap::IndexMap;

use super::builds::Build;
use super::chosen::Paths;
use super::make::{Branches, MOST, Make};
use super::makefile::Makefile;
use super::notes::Notes;
use super::part::{Part, literal, source};
use crate::matrix::SETTINGS;
use crate::template::is_name;

/// What a draft has in place of a value that is unknown.
pub(super) const UNKNOWN: &str = "CHANGE-ME";

/// An axis that is a variable in a Makefile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Axis {
    pub name: String,
    /// Value and properties.
    pub values: Vec<(String, IndexMap<String, String>)>,
    pub default: Option<String>,
}

/// `ONEPANEL_TYPE`: `type` and `onepanel_type`.
fn short_and_lower(variable: &str) -> [String; 2] {
    let lower = variable.to_ascii_lowercase().replace(['-', '.'], "_");
    [lower.rsplit('_').next().unwrap_or(&lower).to_owned(), lower]
}

/// The translated variables of a Makefile.
pub(super) struct Carried<'m> {
    makefile: &'m Makefile,
    /// By variable.
    pub axes: IndexMap<String, Axis>,
    /// By variable: the name and the value.
    pub vars: IndexMap<String, (String, String)>,
    /// The variables of the Makefile that the build depends on.
    pub used: Vec<String>,
    /// Names that the templates use.
    taken: Vec<String>,
    pub notes: Notes,
}

impl<'m> Carried<'m> {
    pub(super) fn new(
        makefile: &'m Makefile,
        build: &Build,
        paths: Option<&Paths>,
        taken: &[String],
        notes: Notes,
    ) -> Self {
        let mut used = makefile.used(build, paths);
        for (variable, branches) in &makefile.make.conditions {
            let is_used =
                branches.iter().any(|(_, set)| set.keys().any(|name| used.contains(name)));
            if is_used && makefile.loops.contains_key(variable) && !used.contains(variable) {
                used.push(variable.clone());
            }
        }
        let (axes, vars) = (IndexMap::new(), IndexMap::new());
        let mut carried =
            Self { makefile, axes, vars, used: used.clone(), taken: taken.to_vec(), notes };
        if let Some(paths) = paths {
            carried.path_axes(paths);
        }
        let variables: Vec<&String> =
            makefile.loops.keys().chain(makefile.make.variables.keys()).collect();
        for variable in variables {
            let listed = makefile.loops.get(variable);
            let is_version = variable.to_ascii_uppercase().ends_with("VERSION");
            if carried.axes.contains_key(variable) || !used.contains(variable) {
                continue;
            }
            let default = makefile.fixed(variable);
            if listed.is_none() && (!is_version || default.is_none()) {
                continue;
            }
            let mut values: Vec<String> = listed.into_iter().flatten().cloned().collect();
            values.extend(default.filter(|value| !values.contains(value)));
            let unlisted = makefile.unlisted.iter().any(|(name, ..)| name == variable);
            if unlisted && values.is_empty() {
                values.push(UNKNOWN.to_owned());
            }
            carried.plain_axis(variable, values);
        }
        for (variable, line, list) in &makefile.unlisted {
            if let Some(axis) = carried.axes.get(variable).filter(|_| used.contains(variable)) {
                let key = format!("axes.{}", axis.name);
                carried.notes.add(
                    &key,
                    Some(*line),
                    format!("the values of {} are unknown", quoted(list)),
                );
            }
        }
        // Variables with options are read with the build.
        let used: Vec<String> =
            used.into_iter().filter(|name| !build.inlined.contains(name)).collect();
        for (variable, branches) in &makefile.make.conditions {
            carried.conditional_axis(variable, branches, &used);
        }
        carried
    }

    /// Variables that select a Dockerfile. Their values are those for which it exists.
    fn path_axes(&mut self, paths: &Paths) {
        let Some(first) = paths.matches.first() else { return };
        for variable in first.keys() {
            let mut exist: Vec<String> = Vec::new();
            for value in paths.matches.iter().filter_map(|values| values.get(variable)) {
                if !exist.contains(value) {
                    exist.push(value.clone());
                }
            }
            exist.sort();
            let listed = self.makefile.loops.get(variable).filter(|list| !list.is_empty());
            let values = match listed {
                Some(list) => {
                    let name = self.axis_name(variable);
                    let missing: Vec<&String> =
                        list.iter().filter(|value| !exist.contains(value)).collect();
                    for value in missing {
                        let text = format!("`{value}` was left out: it has no Dockerfile");
                        self.notes.add(&format!("axes.{name}"), None, text);
                    }
                    let rest: Vec<&String> =
                        exist.iter().filter(|value| !list.contains(value)).collect();
                    for value in rest {
                        let text = format!(
                            "`{value}` was left out: it has a Dockerfile, but no loop has it"
                        );
                        self.notes.add(&format!("axes.{name}"), None, text);
                    }
                    list.iter().filter(|value| exist.contains(value)).cloned().collect()
                }
                None => exist.clone(),
            };
            let values: Vec<String> = if values.is_empty() { exist } else { values };
            if variable.bytes().all(|b| b.is_ascii_digit()) {
                let key = format!("axes.{}", self.axis_name(variable));
                self.notes.add(
                    &key,
                    None,
                    format!("the values of `$({variable})` are the Dockerfiles that exist"),
                );
            }
            self.plain_axis(variable, values);
        }
    }

    fn plain_axis(&mut self, variable: &str, values: Vec<String>) {
        let default = self.makefile.fixed(variable).filter(|value| values.contains(value));
        let values = values.into_iter().map(|value| (value, IndexMap::new())).collect::<Vec<_>>();
        if !values.is_empty() {
            let name = self.axis_name(variable);
            self.axes.insert(variable.to_owned(), Axis { name, values, default });
        }
    }

    /// `ifeq ($(TYPE),cn)`: the compared values, and the variable's default for the `else`.
    fn conditional_axis(&mut self, variable: &str, branches: &Branches, used: &[String]) {
        let mut names: Vec<&String> = Vec::new();
        for name in
            branches.iter().flat_map(|(_, set)| set.keys()).filter(|name| used.contains(name))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return;
        }
        let default = self.makefile.fixed(variable);
        let known = self.axes.get(variable).cloned();
        let values: Vec<String> = match &known {
            Some(axis) => axis.values.iter().map(|(value, _)| value.clone()).collect(),
            None => {
                let mut values: Vec<String> =
                    branches.iter().filter_map(|(value, _)| value.clone()).collect();
                values.dedup();
                values.extend(default.clone().filter(|value| !values.contains(value)));
                // The default first, for readability.
                values.sort_by_key(|value| Some(value) != default.as_ref());
                values
            }
        };
        let is_new = known.is_none();
        let axis = known.unwrap_or_else(|| Axis {
            name: self.axis_name(variable),
            values: Vec::new(),
            default: default.clone(),
        });
        let is_compared =
            |value: &String| branches.iter().any(|(compared, _)| compared.as_ref() == Some(value));
        let mut values = values;
        let has_else = default.is_none() || branches.iter().any(|(compared, _)| compared.is_none());
        if is_new && has_else && values.iter().all(is_compared) {
            let text =
                format!("the Makefile has no {variable} value for its `else`: replace {UNKNOWN}");
            self.notes.add(&format!("axes.{}", axis.name), None, text);
            values.push(UNKNOWN.to_owned());
        }
        let mut with_properties = Vec::new();
        for value in values {
            let make = self.makefile.make.with(variable, &value);
            let mut properties = IndexMap::new();
            for name in &names {
                let property = self.property(&make, &axis, name);
                properties.insert(name.to_ascii_lowercase(), property);
            }
            with_properties.push((value, properties));
        }
        self.axes.insert(variable.to_owned(), Axis { values: with_properties, ..axis });
    }

    /// The value of a variable in a Makefile in which the axis has one value. A property has no placeholders.
    fn property(&mut self, make: &Make, axis: &Axis, name: &str) -> String {
        let Some((text, line)) = make.variables.get(name) else { return String::new() };
        let varies =
            |name: &String| self.axes.contains_key(name) || self.makefile.loops.contains_key(name);
        if !make.reached(vec![text.clone()]).iter().any(varies)
            && let Some(value) = make.constant(text)
        {
            return value;
        }
        let key = format!("axes.{}", axis.name);
        let line = Some(*line).filter(|line| *line > 0);
        let text = format!("`{}` was not converted: replace {UNKNOWN}", source(text));
        self.notes.add(&key, line, text);
        UNKNOWN.to_owned()
    }

    /// `ONEPANEL_TYPE` becomes `type`, if that is available.
    fn axis_name(&self, variable: &str) -> String {
        let [short, lower] = short_and_lower(variable);
        let names = [short, lower.clone(), format!("axis_{lower}")];
        let is_setting = |name: &String| SETTINGS.contains(&name.as_str());
        names.into_iter().find(|name| self.is_free(name) && !is_setting(name)).unwrap_or(lower)
    }

    /// Whether an axis or a var can have this name.
    fn is_free(&self, name: &str) -> bool {
        is_name(name)
            && !["image", "tag", "latest", "prerelease", "template"].contains(&name)
            && self.axes.values().all(|axis| axis.name != name)
            && self.vars.values().all(|(var, _)| var != name)
    }

    /// A string in the words of the matrix. What is unknown becomes `CHANGE-ME` and a note of the key.
    pub(super) fn text(&mut self, key: &str, text: &[Part]) -> String {
        let mut out = String::new();
        self.expand(key, text, 20, &mut MOST.clone(), &mut out);
        out
    }

    fn expand(
        &mut self,
        key: &str,
        text: &[Part],
        depth: usize,
        budget: &mut usize,
        out: &mut String,
    ) {
        for part in text {
            let Some(left) = budget.checked_sub(1) else { return };
            *budget = left;
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Variable(name, line) => self.variable(key, name, *line, depth, budget, out),
                Part::Unknown(..) if self.is_fixed(part) => {
                    let value = self.makefile.make.constant(std::slice::from_ref(part));
                    *out += &value.unwrap_or_default();
                }
                Part::Shell(_, line) | Part::Unknown(_, line) => {
                    let by = unknown(key);
                    let text = format!("`{}` was not converted: replace {by}", part.source());
                    self.notes.add(key, Some(*line), text);
                    out.push_str(by);
                }
            }
        }
    }

    /// Whether a function of make has the same value for every image.
    fn is_fixed(&self, part: &Part) -> bool {
        let make = &self.makefile.make;
        let varies =
            |name: &String| self.axes.contains_key(name) || self.makefile.loops.contains_key(name);
        make.constant(std::slice::from_ref(part)).is_some()
            && !make.reached(vec![vec![part.clone()]]).iter().any(varies)
    }

    fn variable(
        &mut self,
        key: &str,
        name: &str,
        line: usize,
        depth: usize,
        budget: &mut usize,
        out: &mut String,
    ) {
        if let Some(axis) = self.axes.get(name) {
            *out += &format!("<%{}%>", axis.name);
            return;
        }
        let property = self.axes.iter().find(|(variable, _)| {
            let branches = self.makefile.make.conditions.get(*variable);
            branches.into_iter().flatten().any(|(_, set)| set.contains_key(name))
        });
        if let Some((_, axis)) = property {
            *out += &format!("<%{}.{}%>", axis.name, name.to_ascii_lowercase());
            return;
        }
        if key == "image" {
            // `--image` sets the whole repository.
            let known = self.makefile.make.variables.get(name).filter(|_| depth > 0);
            match known {
                Some((value, _)) => self.expand(key, value, depth - 1, budget, out),
                None => {
                    self.notes.add(
                        key,
                        Some(line),
                        format!("the value of `$({name})` is unknown: replace {}", unknown(key)),
                    );
                    out.push_str(unknown(key));
                }
            }
            return;
        }
        if let Some((var, _)) = self.vars.get(name) {
            *out += &format!("<%{var}%>");
            return;
        }
        let conditional =
            self.makefile.make.others.iter().find(|(_, _, set)| set.as_deref() == Some(name));
        let value = self.makefile.make.variables.get(name);
        match value {
            Some((value, _))
                if conditional.is_none() && literal(value).is_some_and(|text| text.is_empty()) => {}
            // Through other variables: they are what a user sets.
            Some((value, _))
                if conditional.is_none()
                    && depth > 0
                    && literal(value).is_none()
                    && !value.iter().any(|part| matches!(part, Part::Unknown(..))) =>
            {
                self.expand(key, value, depth - 1, budget, out);
            }
            _ => {
                let var = self.var_name(name);
                self.vars.insert(name.to_owned(), (var.clone(), UNKNOWN.to_owned()));
                let key = format!("vars.{var}");
                let mut text = String::new();
                match value {
                    Some((value, _)) if depth > 0 => {
                        self.expand(&key, value, depth - 1, budget, &mut text)
                    }
                    _ => {
                        let note =
                            format!("the value of `$({name})` is unknown: replace {UNKNOWN}");
                        self.notes.add(&key, Some(line).filter(|line| *line > 0), note);
                        UNKNOWN.clone_into(&mut text);
                    }
                }
                if let Some((line, source, _)) = conditional {
                    self.notes.add(
                        &key,
                        Some(*line),
                        format!("`{source}` sets it, which was not converted"),
                    );
                }
                self.vars.insert(name.to_owned(), (var.clone(), text));
                *out += &format!("<%{var}%>");
            }
        }
    }

    fn var_name(&self, variable: &str) -> String {
        let [short, lower] = short_and_lower(variable);
        let otherwise = format!("make_{lower}");
        let mut names = [short, lower].into_iter();
        let name = names.find(|name| self.is_free(name) && !self.taken.contains(name));
        name.unwrap_or(otherwise)
    }
}

/// A repository has no upper case.
fn unknown(key: &str) -> &'static str {
    if key == "image" { "change-me" } else { UNKNOWN }
}

/// A text between backticks, unless it has some.
fn quoted(text: &str) -> String {
    if text.contains('`') { text.to_owned() } else { format!("`{text}`") }
}

impl Makefile {
    /// The value of a variable without other variables, if it has one.
    pub(super) fn fixed(&self, variable: &str) -> Option<String> {
        let (value, _) = self.make.variables.get(variable)?;
        self.make.constant(&[Part::Variable(variable.to_owned(), 0)])?;
        literal(value).filter(|value| !value.is_empty() && !value.contains(char::is_whitespace))
    }

    /// The variables that the build depends on, directly or through others.
    fn used(&self, build: &Build, paths: Option<&Paths>) -> Vec<String> {
        let platform = build.platform.as_ref();
        let texts = build.texts().filter(|text| Some(*text) != platform);
        let paths = paths.into_iter().flat_map(|paths| [&paths.context, &paths.dockerfile]);
        let texts = texts.chain(self.placeholders.values()).chain(paths);
        let edits = self.edits.iter().filter_map(|edit| edit.replaced.as_ref());
        let texts = texts.chain(edits.map(|(_, text)| text)).cloned();
        let inlined = build.inlined.iter().map(|name| vec![Part::Variable(name.clone(), 0)]);
        self.make.reached(texts.chain(inlined).collect())
    }
}
