//! Translates a Makefile's variables into axes, properties and strings.

use indexmap::IndexMap;

use super::Found;
use super::makefile::{Branches, Makefile};
use crate::template::is_name;

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
    let lower = variable.to_ascii_lowercase();
    [lower.rsplit('_').next().unwrap_or(&lower).to_owned(), lower]
}

/// The translated variables of a Makefile.
pub(super) struct Carried<'m> {
    makefile: &'m Makefile,
    /// By variable.
    pub axes: IndexMap<String, Axis>,
    /// The variables of the tag, by their names in the matrix.
    pub vars: Vec<(String, String)>,
    pub notes: Vec<String>,
}

impl<'m> Carried<'m> {
    pub(super) fn new(makefile: &'m Makefile, found: &Found) -> Self {
        let mut carried =
            Self { makefile, axes: IndexMap::new(), vars: Vec::new(), notes: Vec::new() };
        let directories: Vec<&String> = found.dockerfiles.iter().map(|(name, _)| name).collect();
        if let Some(variable) = &makefile.directory
            && !directories.is_empty()
        {
            // In the order of the loop, if there is one; the directories take precedence.
            let listed = makefile.loops.get(variable).into_iter().flatten();
            let mut values: Vec<String> =
                listed.filter(|value| directories.contains(value)).cloned().collect();
            values.extend(
                directories
                    .into_iter()
                    .filter(|f| !values.contains(f))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            carried.plain_axis(variable, values);
        }
        let looped = makefile.loops.keys().chain(makefile.variables.keys());
        for variable in looped {
            let listed = makefile.loops.get(variable);
            let is_version = variable.to_ascii_uppercase().ends_with("VERSION");
            if carried.axes.contains_key(variable) || !(listed.is_some() || is_version) {
                continue;
            }
            if makefile.uses(variable) {
                let default = makefile.variables.get(variable).filter(|value| constant(value));
                let mut values: Vec<String> = listed.into_iter().flatten().cloned().collect();
                values.extend(default.filter(|value| !values.contains(value)).cloned());
                carried.plain_axis(variable, values);
            }
        }
        for (variable, branches) in &makefile.conditions {
            carried.conditional_axis(variable, branches);
        }
        carried
    }

    fn plain_axis(&mut self, variable: &str, values: Vec<String>) {
        let default = self.makefile.variables.get(variable);
        let default = default.filter(|value| values.contains(value)).cloned();
        let values = values.into_iter().map(|value| (value, IndexMap::new())).collect::<Vec<_>>();
        if !values.is_empty() {
            let name = self.axis_name(variable);
            self.axes.insert(variable.to_owned(), Axis { name, values, default });
        }
    }

    /// `ifeq ($(TYPE),cn)`: the compared values, and the variable's default for the `else`.
    fn conditional_axis(&mut self, variable: &str, branches: &Branches) {
        let used = branches.iter().any(|(_, set)| set.keys().any(|name| self.makefile.uses(name)));
        if !used || self.axes.contains_key(variable) {
            return;
        }
        let default = self.makefile.variables.get(variable).filter(|value| constant(value));
        let mut values = Vec::new();
        for (compared, set) in branches {
            let named =
                branches.iter().any(|(other, _)| other.is_some() && other.as_ref() == default);
            let value = match (compared, default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) if !named => default.clone(),
                (None, _) => {
                    self.notes.push(format!(
                        "the Makefile has no {variable} value for its `else`: add it to \
                         the axis"
                    ));
                    continue;
                }
            };
            let mut properties = IndexMap::new();
            for (name, text) in set {
                let (text, unknown) = self.text(text);
                self.unknown(name, &unknown);
                properties.insert(name.to_ascii_lowercase(), text);
            }
            values.push((value, properties));
        }
        // A property that only some values have would be undefined for the others.
        let names: Vec<String> = values.iter().flat_map(|(_, set)| set.keys()).cloned().collect();
        for (_, set) in &mut values {
            for name in &names {
                set.entry(name.clone()).or_default();
            }
        }
        // The default first, for readability.
        values.sort_by_key(|(value, _)| Some(value) != default);
        let default = default.cloned();
        let name = self.axis_name(variable);
        self.axes.insert(variable.to_owned(), Axis { name, values, default });
    }

    /// `ONEPANEL_TYPE` becomes `type`, if that is available.
    fn axis_name(&self, variable: &str) -> String {
        let [short, lower] = short_and_lower(variable);
        let names = [short, lower.clone(), format!("axis_{lower}")];
        names.into_iter().find(|name| self.is_free(name)).unwrap_or(lower)
    }

    /// A tag in which each variable with a fixed value is a var, so that `--var` sets it as `make` did.
    /// `taken` are names that the templates use.
    pub(super) fn with_vars(&mut self, tag: &str, taken: &[String]) -> String {
        let mut text = tag.to_owned();
        for (variable, value) in &self.makefile.variables {
            let forms = [format!("$({variable})"), format!("${{{variable}}}")];
            let is_set =
                |(_, set): &(Option<String>, IndexMap<String, String>)| set.contains_key(variable);
            if !forms.iter().any(|form| text.contains(form))
                || !constant(value)
                || self.axes.contains_key(variable)
                || self.makefile.conditions.values().flatten().any(is_set)
            {
                continue;
            }
            let [short, lower] = short_and_lower(variable);
            let otherwise = format!("make_{lower}");
            let mut names = [short, lower].into_iter();
            let name = names.find(|name| self.is_free(name) && !taken.contains(name));
            let name = name.unwrap_or(otherwise);
            for form in forms {
                text = text.replace(&form, &format!("<%{name}%>"));
            }
            self.vars.push((name, value.clone()));
        }
        text
    }

    /// Whether an axis or a var can have this name.
    fn is_free(&self, name: &str) -> bool {
        is_name(name)
            && !["image", "tag", "latest", "prerelease"].contains(&name)
            && self.axes.values().all(|axis| axis.name != name)
            && self.vars.iter().all(|(var, _)| var != name)
    }

    /// A string with its `$(NAME)` translated, and the names that are unknown.
    pub(super) fn text(&self, text: &str) -> (String, Vec<String>) {
        let mut unknown = Vec::new();
        let text = self.expand(text, 0, &mut unknown);
        (text, unknown)
    }

    fn expand(&self, text: &str, depth: usize, unknown: &mut Vec<String>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("$(").or_else(|| rest.find("${")) {
            out += &rest[..at];
            let close = if rest[at..].starts_with("$(") { ')' } else { '}' };
            let Some((name, after)) = rest[at + 2..].split_once(close) else { break };
            rest = after;
            if let Some(axis) = self.axes.get(name) {
                out += &format!("<%{}%>", axis.name);
            } else if let Some(axis) = self.axes.iter().find(|(variable, _)| {
                let branches = self.makefile.conditions.get(*variable);
                branches.into_iter().flatten().any(|(_, set)| set.contains_key(name))
            }) {
                out += &format!("<%{}.{}%>", axis.1.name, name.to_ascii_lowercase());
            } else if let Some(value) = self.makefile.variables.get(name)
                && depth < 10
            {
                out += &self.expand(value, depth + 1, unknown);
            } else {
                unknown.push(name.to_owned());
            }
        }
        out + rest
    }

    pub(super) fn unknown(&mut self, what: &str, names: &[String]) {
        for name in names {
            let note = format!("{what}: the value of `$({name})` is unknown");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

impl Makefile {
    /// Whether the build depends on a variable, directly or through others.
    pub(super) fn uses(&self, variable: &str) -> bool {
        let texts = self.placeholders.values().chain(&self.tag).chain(self.build_args.values());
        let reference = [format!("$({variable})"), format!("${{{variable}}}")];
        let mut waiting: Vec<&String> = texts.collect();
        let mut seen = 0;
        while let Some(text) = waiting.pop() {
            if reference.iter().any(|reference| text.contains(reference)) {
                return true;
            }
            seen += 1;
            if seen > 1000 {
                return false;
            }
            let named =
                self.variables.iter().filter(|(name, _)| text.contains(&format!("$({name})")));
            waiting.extend(named.map(|(_, value)| value));
        }
        false
    }
}

fn constant(text: &str) -> bool {
    !text.is_empty() && !text.contains('$')
}
