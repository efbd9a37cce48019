//! `$(call NAME,…)` in loops of make: the arguments of a `define`.

use super::make::{Make, Recipe, parts};
use super::part::{Part, Text, extend};
use super::values::commas;

/// A call with the loops around it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    name: String,
    arguments: Vec<Text>,
    /// The variable and the list of each `foreach`.
    loops: Vec<(String, Text)>,
}

/// The variable of make and the list that an argument goes through.
pub(super) type Argument = (String, usize, Text);

/// Replaces the `$(1)` of a `define` that one call alone uses. Arguments that are variables of a `foreach` become
/// variables of make, with their lists.
pub(super) fn resolved(make: &mut Make) -> Vec<Argument> {
    let mut calls = Vec::new();
    for (line, text, _) in &make.others {
        find(&parts(text, *line), &mut Vec::new(), &mut calls);
    }
    for recipe in &make.recipes {
        find(&recipe.text, &mut Vec::new(), &mut calls);
    }
    let mut lists: Vec<Argument> = Vec::new();
    let mut recipes = std::mem::take(&mut make.recipes);
    let mut used: Vec<&str> = Vec::new();
    for recipe in &mut recipes {
        let Some(name) = recipe.condition.as_deref().and_then(|text| text.strip_prefix("define "))
        else {
            continue;
        };
        let mut of_name = calls.iter().filter(|call| call.name == name);
        let Some(call) = of_name.next() else { continue };
        if of_name.any(|other| other != call) {
            continue;
        }
        used.push(&call.name);
        replace(make, recipe, call, &mut lists);
        recipe.condition = None;
    }
    make.others
        .retain(|(_, text, _)| !used.iter().any(|name| text.contains(&format!("$(call {name},"))));
    make.recipes = recipes;
    lists
}

fn replace(make: &Make, recipe: &mut Recipe, call: &Call, lists: &mut Vec<Argument>) {
    let mut out = Text::new();
    for part in &recipe.text {
        let number = match part {
            Part::Variable(name, _) => name.parse::<usize>().ok().filter(|number| *number > 0),
            _ => None,
        };
        let Some(number) = number else {
            extend(&mut out, std::slice::from_ref(part));
            continue;
        };
        for argument in call.arguments.get(number - 1).into_iter().flatten() {
            let list = match argument {
                Part::Variable(name, _) => call.loops.iter().find(|(variable, _)| variable == name),
                _ => None,
            };
            let Some((variable, list)) = list else {
                extend(&mut out, std::slice::from_ref(argument));
                continue;
            };
            let name = named(make, variable, list);
            out.push(Part::Variable(name.clone(), recipe.line));
            if !lists.iter().any(|(known, ..)| *known == name) {
                lists.push((name, recipe.line, list.clone()));
            }
        }
    }
    recipe.text = out;
}

/// `$(foreach v,$(VERSIONS),…)`: the singular of the list's name, or else the name of the variable.
fn named(make: &Make, variable: &str, list: &[Part]) -> String {
    let plural = match list {
        [Part::Variable(name, _)] => name.as_str(),
        _ => "",
    };
    let single = plural.strip_suffix("SES").map(|name| format!("{name}S"));
    let single = single.or_else(|| plural.strip_suffix('S').map(str::to_owned));
    let single = single.filter(|name| name.len() > 1 && !make.variables.contains_key(name));
    single.unwrap_or_else(|| variable.to_ascii_uppercase())
}

fn find(text: &[Part], loops: &mut Vec<(String, Text)>, calls: &mut Vec<Call>) {
    if loops.len() > 10 || calls.len() > 1000 {
        return;
    }
    for part in text {
        let Part::Unknown(source, line) = part else { continue };
        let inner = source.strip_prefix("$(").and_then(|text| text.strip_suffix(')'));
        let Some((function, rest)) = inner.and_then(|text| text.split_once(' ')) else { continue };
        let arguments = commas(rest.trim());
        let text =
            |at: usize| arguments.get(at).map(|text| parts(text.trim(), *line)).unwrap_or_default();
        match function {
            "eval" => {
                // It counts as a level, so that the depth is bounded.
                loops.push((String::new(), Text::new()));
                find(&parts(rest, *line), loops, calls);
                loops.pop();
            }
            "foreach" => {
                let variable =
                    arguments.first().map(|text| text.trim().to_owned()).unwrap_or_default();
                loops.push((variable, text(1)));
                let body = arguments.get(2..).unwrap_or_default().join(",");
                find(&parts(&body, *line), loops, calls);
                loops.pop();
            }
            "call" => calls.push(Call {
                name: arguments.first().map(|text| text.trim().to_owned()).unwrap_or_default(),
                arguments: (1..arguments.len()).map(text).collect(),
                loops: loops.clone(),
            }),
            _ => {}
        }
    }
}
