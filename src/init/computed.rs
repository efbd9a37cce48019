//! What make computes from the value of one axis, such as `$(subst .,_,$(VERSION))` or `$(BASE_$(OS))`: a property.

use indexmap::IndexMap;

use super::builds::Build;
use super::make::Make;
use super::makefile::Makefile;
use super::part::{Part, Text, is_word};
use super::variants::unused;

/// More values or longer computations are left to the user.
const MOST_VALUES: usize = 200;

/// By axis and value: the values of variables.
type Properties = IndexMap<String, IndexMap<String, IndexMap<String, Text>>>;

/// Replaces functions of make by variables whose value depends on that of an axis.
pub(super) fn replace(makefile: &mut Makefile, build: &mut Build) {
    let mut found = Properties::new();
    let mut known: Vec<(String, Part)> = Vec::new();
    for (hint, text) in build.texts_mut() {
        for part in text {
            let variable = known.iter().find(|(from, _)| *from == part.source());
            let variable = variable.map(|(_, variable)| variable.clone());
            let variable = variable.or_else(|| property(makefile, hint, part, &mut found));
            if let Some(variable) = variable {
                known.push((part.source(), variable.clone()));
                *part = variable;
            }
        }
    }
    for (axis, values) in found {
        let branches = values.into_iter().map(|(value, set)| (Some(value), set)).collect();
        makefile.make.conditions.insert(axis, branches);
    }
}

/// The variable with the values of the part, if it is a function of one axis.
fn property(makefile: &Makefile, hint: &str, part: &Part, found: &mut Properties) -> Option<Part> {
    let (name, line) = match part {
        Part::Unknown(_, line) => (None, *line),
        Part::Variable(name, line) if computes(&makefile.make, name) => (Some(name.clone()), *line),
        _ => return None,
    };
    let one = vec![part.clone()];
    let axes = makefile.make.reached(vec![one.clone()]).into_iter().filter_map(|variable| {
        let is_version = variable.to_ascii_uppercase().ends_with("VERSION");
        let fixed = makefile.fixed(&variable);
        let mut values = makefile.loops.get(&variable).cloned().unwrap_or_default();
        if is_version || !values.is_empty() {
            values.extend(fixed.filter(|value| !values.contains(value)));
        }
        (!values.is_empty()).then_some((variable, values))
    });
    let axes: Vec<(String, Vec<String>)> = axes.collect();
    let [(axis, values)] = axes.as_slice() else { return None };
    let is_listed = makefile.unlisted.iter().all(|(name, ..)| name != axis);
    if !is_listed || makefile.make.conditions.contains_key(axis) || values.len() > MOST_VALUES {
        return None;
    }
    let of = |value: &String| makefile.make.with(axis, value).constant(&one);
    let texts: Vec<String> = values.iter().map(of).collect::<Option<_>>()?;
    let taken = |name: &String| found.values().flatten().any(|(_, set)| set.contains_key(name));
    let names = (1..10).map(|n| if n == 1 { hint.to_owned() } else { format!("{hint}_{n}") });
    let mut names = names.filter(|name| is_word(name) && !taken(name));
    let name = name.or_else(|| names.find_map(|name| unused(makefile, &name)))?;
    let by_value = found.entry(axis.clone()).or_default();
    for (value, text) in values.iter().zip(texts) {
        let text = vec![Part::Text(text)];
        by_value.entry(value.clone()).or_default().insert(name.clone(), text);
    }
    Some(Part::Variable(name, line))
}

/// Whether the value of a variable has a function.
fn computes(make: &Make, name: &str) -> bool {
    let is_function = |part: &Part| matches!(part, Part::Unknown(..));
    let value: Option<&(Text, usize)> = make.variables.get(name);
    value.is_some_and(|(value, _)| value.iter().any(is_function))
}
