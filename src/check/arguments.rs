//! Arguments that a stage does not know, because their only `ARG` is before the first `FROM`.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact>

use std::collections::HashSet;

use super::assigned::{has_default, is_assigned, uses};
use super::groups::Group;
use super::read::{File, Files};
use super::subject::Subject;
use crate::dockerfile::{
    Declaration, Evaluated, Expander, Instruction, PLATFORM_ARGS, Source, VariableScope,
    VariableUse, is_predefined,
};
use crate::error::{Diagnostic, Diagnostics};
use crate::plan::BuildRequest;

/// Variables that systems and shells set.
const OF_SYSTEM: [&str; 9] =
    ["HOME", "HOSTNAME", "LANG", "LC_ALL", "OLDPWD", "PATH", "PWD", "TERM", "USER"];

/// Image names, and the prefix of the variables that they set, if it is not the name itself.
const OF_BASES: [(&str, &str); 6] = [
    ("amazoncorretto", "JAVA"),
    ("eclipse-temurin", "JAVA"),
    ("golang", "GO"),
    ("openjdk", "JAVA"),
    ("postgres", "PG"),
    ("rust", "RUSTUP"),
];

pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    for group in groups {
        let request = group.first();
        if !begins_with_arg(&group.text()) {
            continue;
        }
        let file = files.of(&request.recipe);
        if file.is_foreign_to(&request.recipe) {
            continue;
        }
        for (line, name) in empty(&file, request) {
            if let Some(place) = subject.sources.line(&request.recipe.dockerfile, line) {
                let message = format!(
                    "`${name}` is empty in this stage: its only `ARG` is before the first `FROM`"
                );
                let help = format!("declare it in the stage too, with `ARG {name}`");
                let warning = Diagnostic::warning(message).rule("arg-before-from");
                found.push(warning.at(&place, "").help(help));
            }
        }
    }
}

/// Whether there may be an `ARG` before the first `FROM`: most files can be skipped.
fn begins_with_arg(text: &str) -> bool {
    let starts = |line: &str, word: &str| {
        line.trim_start().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let before = text.lines().take_while(|line| !starts(line, "FROM"));
    before.into_iter().any(|line| starts(line, "ARG"))
}

/// The names that are empty, with the lines on which they are used.
fn empty(file: &File, request: &BuildRequest) -> Vec<(u32, String)> {
    let declarations = file.parsed.declarations();
    let global: HashSet<&str> = declarations
        .iter()
        .filter(|one| one.scope == VariableScope::Global && !one.is_env)
        .map(|one| one.name.as_str())
        .filter(|name| !PLATFORM_ARGS.contains(name) && !is_predefined(name))
        .filter(|name| !OF_SYSTEM.contains(name))
        .collect();
    if global.is_empty() {
        return Vec::new();
    }
    let evaluated = file.evaluated(&request.recipe, request.recipe.platforms.first());
    let mut found = Vec::new();
    let text = request.recipe.dockerfile.text();
    for used in file.parsed.variable_uses() {
        let VariableScope::Stage(stage) = used.scope else { continue };
        if !global.contains(used.name.as_str()) || knows(&evaluated, &declarations, stage, &used) {
            continue;
        }
        let instruction = file.parsed.instructions.iter().find(|one| one.first == used.line);
        if let Some(line) = instruction.and_then(|one| line_of(one, &used, &text))
            && !found.contains(&(line, used.name.clone()))
        {
            found.push((line, used.name));
        }
    }
    found
}

/// Whether the variable may have a value there: from an `ARG` or `ENV` of the stage, of a stage
/// that it is based on, or from the base image.
fn knows(
    evaluated: &Evaluated,
    declarations: &[Declaration],
    stage: usize,
    used: &VariableUse,
) -> bool {
    let mut at = stage;
    loop {
        let is_here = |one: &&Declaration| {
            one.scope == VariableScope::Stage(at) && (at != stage || one.line <= used.line)
        };
        if declarations.iter().filter(is_here).any(|one| one.name == used.name) {
            return true;
        }
        match evaluated.stages.get(at).map(|stage| &stage.base) {
            Some(Source::Stage(number)) => at = *number,
            Some(Source::Named(base)) => return is_of_base(base, &used.name),
            _ => return false,
        }
    }
}

/// Whether an image probably sets a variable: `node` sets `NODE_VERSION`.
fn is_of_base(base: &str, name: &str) -> bool {
    let base = base.rsplit('/').next().unwrap_or_default();
    let base = base.split([':', '@']).next().unwrap_or_default();
    let own = base.to_ascii_uppercase().replace(['-', '.'], "_");
    let others = OF_BASES.iter().filter(|(known, _)| *known == base).map(|(_, start)| *start);
    let mut starts = others.chain([own.as_str()]);
    starts.any(|start| name.strip_prefix(start).is_some_and(|rest| rest.starts_with('_')))
}

/// The line of an instruction that uses a variable without a default; `None` if the step sets it
/// itself.
fn line_of(instruction: &Instruction, used: &VariableUse, text: &str) -> Option<u32> {
    let lines = || {
        let count = (instruction.last - instruction.first + 1) as usize;
        text.lines().skip(instruction.first as usize - 1).take(count)
    };
    let of_step = used.by == Expander::Step;
    if of_step && lines().any(|line| is_assigned(line, &used.name)) {
        return None;
    }
    let uses = (instruction.first..).zip(lines()).filter(|(_, line)| uses(line, &used.name));
    let mut bare = uses.clone().filter(|(_, line)| !has_default(line, &used.name));
    match (bare.next(), uses.count()) {
        (Some((line, _)), _) => Some(line),
        // A use that no single line shows: a name that continues on the next line.
        (None, 0) => Some(instruction.first),
        (None, _) => None,
    }
}
