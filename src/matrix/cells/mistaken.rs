//! What a word in the place of a cell means, if it is an argument of another kind.

use crate::image::Platform;
use crate::matrix::model::Axis;
use crate::matrix::selection::{Pick, Selected};

/// Words, and what to write in their place.
const WORDS: &[(&[&str], &str)] = &[
    (
        &["all", "everything"],
        "without a name, `onebuild matrix` builds all cells and `onebuild plan` shows them",
    ),
    (
        &["default", "defaults"],
        "without a name, `onebuild build` builds the `defaults` of matrix.yaml",
    ),
    (&["push", "load"], "that is a flag: write `--push` or `--load`"),
    (&["latest"], "select the newest version by its name; `onebuild plan` shows all names"),
    (
        &["build", "matrix", "plan", "lint", "render", "explain", "init"],
        "only the first word is a command: leave out one of them",
    ),
    (
        &["dockerfile", "containerfile"],
        "`dockerfile` in matrix.yaml names it: leave it out, or name a cell",
    ),
];

/// The help for a word that is no cell.
pub(super) fn help(text: &str, selected: &Selected<'_>) -> Option<String> {
    let lower = text.to_lowercase();
    let of_word = WORDS.iter().find(|(words, _)| words.contains(&lower.as_str()));
    of_word
        .map(|(_, help)| (*help).to_owned())
        .or_else(|| assignment(text, selected))
        .or_else(|| path(text))
        .or_else(|| platform(text, selected))
}

/// `--only os=alpine`, with the values that the command line selects already: `--os alpine ubuntu`.
pub(super) fn only(axis: &Axis, value: &str, selected: &Selected<'_>) -> String {
    let of_axis = |pick: &&Pick| *pick.axis == *axis.name;
    let picked = selected.picks.only.iter().filter(of_axis).flat_map(|pick| &pick.values);
    let values: Vec<&str> = picked.map(String::as_str).chain([value]).collect();
    format!("--only {}={}", axis.name, values.join(","))
}

/// `OS=alpine`, `A=b`
fn assignment(text: &str, selected: &Selected<'_>) -> Option<String> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim_start_matches('-');
    if name.is_empty() {
        return None;
    }
    let same = |axis: &&Axis| axis.name.eq_ignore_ascii_case(name);
    if let Some(axis) = selected.axes.iter().find(same) {
        return Some(format!("select values of an axis with `{}`", only(axis, value, selected)));
    }
    let settings = &selected.matrix.settings;
    if settings.vars.iter().any(|var| *var.name == *name) {
        return Some(format!("set a var with `--var {name}=VALUE`"));
    }
    Some(format!(
        "set a build argument with `--build-arg {name}=VALUE`; `--only AXIS=VALUE` selects cells"
    ))
}

/// `linux/arm64`
fn platform(text: &str, selected: &Selected<'_>) -> Option<String> {
    // A platform may have any system, but `me/app` is none.
    let is_known = |platform: Platform| ["linux", "windows"].contains(&platform.os());
    let is_platform = |text: &str| text.parse().is_ok_and(is_known);
    let words: Vec<&str> = text.split(',').filter(|word| !word.is_empty()).collect();
    if words.is_empty() || !words.iter().all(|word| is_platform(word)) {
        return None;
    }
    let given = selected.overrides.platforms.iter().map(ToString::to_string);
    let all: Vec<String> = given.chain(words.into_iter().map(str::to_owned)).collect();
    Some(format!("platforms are one list with commas: `--platform {}`", all.join(",")))
}

/// `.`, `./app`, `https://…`, `matrix.yaml`
fn path(text: &str) -> Option<String> {
    let ends = |end: &&str| text.len() > end.len() && text.to_lowercase().ends_with(*end);
    if [".yaml", ".yml", ".json", ".hcl"].iter().any(ends) {
        return Some(format!("name the file of a matrix with `--file {text}`"));
    }
    let is_path = text.starts_with(['.', '/', '~']) || text.ends_with('/') || text.contains("://");
    is_path.then(|| {
        "the build context is `context` in matrix.yaml: leave the path out, or name a cell"
            .to_owned()
    })
}
