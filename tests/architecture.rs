//! Keeps the house in order: which room may use which, and what the pure core may not touch.
//!
//! The sources are read as text. What a test module or a comment says does not count: tests may
//! set up what they like.

use std::fs;
use std::path::{Path, PathBuf};

/// A room and the other rooms that it may use. A room that is not listed fails the test, so that a
/// new one finds its place here first.
const MAY_USE: &[(&str, &[&str])] = &[
    // The core, each line seeing only the lines above it.
    ("text", &[]),
    ("version", &[]),
    ("error", &["text"]),
    ("image", &[]),
    ("template", &["error", "version"]),
    ("dockerfile", &["image"]),
    ("yaml", &["error"]),
    ("allow", &["error", "yaml"]),
    ("failure", &["image"]),
    ("proxy", &[]),
    ("cell_name", &[]),
    ("outcome", &["cell_name", "failure", "image"]),
    ("event", &["cell_name", "image", "outcome"]),
    ("input", &["cell_name", "error", "image"]),
    ("grants", &["error", "image", "input"]),
    (
        "matrix",
        &["cell_name", "allow", "error", "event", "image", "input", "template", "version", "yaml"],
    ),
    (
        "plan",
        &[
            "cell_name",
            "dockerfile",
            "error",
            "event",
            "image",
            "input",
            "matrix",
            "template",
            "text",
        ],
    ),
    ("init", &["image", "template"]),
    (
        "lint",
        &[
            "cell_name",
            "allow",
            "dockerfile",
            "error",
            "event",
            "image",
            "plan",
            "template",
            "yaml",
        ],
    ),
    ("check", &["allow", "dockerfile", "error", "image", "input", "matrix", "plan", "template"]),
    // What touches the world.
    ("regular", &[]),
    ("buildkit", &["regular"]),
    ("debug", &["error", "text"]),
    ("context", &["debug", "error"]),
    ("docker", &["debug", "error", "image", "regular"]),
    ("registry", &["debug", "docker", "error", "failure", "image", "proxy"]),
    ("axis_source", &["debug", "docker", "error", "proxy", "registry", "regular", "text"]),
    ("schedule", &["cell_name", "event", "failure", "image", "outcome", "plan"]),
    ("report", &["cell_name", "event", "failure", "image", "outcome", "text"]),
    // A row of the table is shown when its cell ends.
    ("progress", &["cell_name", "event", "image", "outcome", "report", "text"]),
    (
        "driver",
        &[
            "allow",
            "buildkit",
            "cell_name",
            "context",
            "debug",
            "docker",
            "dockerfile",
            "error",
            "event",
            "failure",
            "image",
            "outcome",
            "plan",
            "registry",
            "regular",
            "schedule",
            "template",
        ],
    ),
    ("run", &[]),
    // Wiring sees everything.
    ("cli", ANY),
    ("commands", ANY),
    ("lib", ANY),
    ("main", ANY),
];

const ANY: &[&str] = &["*"];

/// Rooms that are handed text and values and give back values.
const PURE: &[&str] = &[
    "allow",
    "text",
    "version",
    "error",
    "failure",
    "image",
    "proxy",
    "template",
    "dockerfile",
    "cell_name",
    "event",
    "outcome",
    "input",
    "grants",
    "yaml",
    "matrix",
    "plan",
    "init",
    "check",
    "lint",
];

/// What a pure room may not name.
const IMPURE: &[&str] = &[
    "tokio",
    "tracing",
    "std::fs",
    "std::env",
    "std::process",
    "std::net::Tcp",
    "std::thread",
    "std::io::std",
    "SystemTime",
    "Instant::now",
    "print!(",
    "println!(",
    "dbg!(",
];

/// The faults of one file: what it is, where it stands, and what it says.
fn faults(room: &str, name: &str, text: &str) -> Vec<String> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == room) else {
        return vec![format!("{name}: the room `{room}` is not in MAY_USE")];
    };
    let mut found = Vec::new();
    for (number, line) in code(text) {
        for used in rooms_in(line) {
            let known = MAY_USE.iter().any(|(room, _)| *room == used);
            if known && used != room && *allowed != ANY && !allowed.contains(&used) {
                found.push(format!("{name}:{number}: `{room}` may not use `{used}`"));
            }
        }
        for word in IMPURE.iter().filter(|word| PURE.contains(&room) && line.contains(**word)) {
            found.push(format!("{name}:{number}: `{room}` is pure and may not name `{word}`"));
        }
    }
    found
}

/// The lines of code with their numbers, without comments and what comes after `#[cfg(test)]`
/// (test modules close their files).
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
        .filter(|(_, line)| !line.trim().is_empty())
}

/// The rooms named after `crate::` or `onebuild::`, `crate::{a, b}` included.
fn rooms_in(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for path in line.split("crate::").skip(1) {
        let names = path.strip_prefix('{').unwrap_or(path);
        let names = names.split('}').next().unwrap_or_default();
        let many = path.starts_with('{');
        for name in names.split(',').take(if many { usize::MAX } else { 1 }) {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            found.push(&name[..end.unwrap_or(name.len())]);
        }
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_room_imports_against_the_direction_of_the_house() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).expect("it was found there");
        let name = path.display().to_string();
        // Files of tests alone may use what they like.
        if name.ends_with("tests.rs") || name.contains("tests/") {
            continue;
        }
        let room = name.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        found.extend(faults(room, &name, &fs::read_to_string(&file).expect("it was found")));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_kind_of_fault_is_found() {
    for (room, line) in [
        ("image", "use crate::template::Template;"),
        ("template", "use crate::{error::Span, matrix::Matrix};"),
        ("matrix", "let plan = crate::plan::table(&cells);"),
        ("matrix", "use tokio::sync::mpsc;"),
        ("failure", "tracing::debug!(message);"),
        ("plan", "crate::debug::hide(value);"),
        ("plan", "std::fs::read_to_string(path)"),
        ("plan", "let now = SystemTime::now();"),
        ("error", "eprintln!(\"x\");"),
        ("buildkit", "use crate::error::Error;"),
        ("schedule", "use crate::buildkit::Client;"),
        ("progress", "use crate::buildkit::status;"),
        ("report", "use crate::driver::Engine;"),
        ("cellar", "let x = 1;"),
    ] {
        assert_eq!(faults(room, "f.rs", line).len(), 1, "{room}: {line}");
    }
}

#[test]
fn what_is_no_fault_is_left_alone() {
    for (room, text) in [
        ("matrix", "use crate::template::Template;"),
        ("matrix", "use crate::matrix::axis::Axis;"),
        ("commands", "use crate::{buildkit, matrix};"),
        ("image", "// crate::template is above\nlet x = 1;"),
        ("plan", "let x = 1;\n#[cfg(test)]\nmod tests {\n    use crate::driver::Engine;\n}\n"),
        ("driver", "use tokio::fs;"),
    ] {
        assert_eq!(faults(room, "f.rs", text), Vec::<String>::new());
    }
}

/// The names after `.rule("` and in `Finding::new("`, in code that is no test.
fn rules_named(text: &str) -> Vec<String> {
    let joined: String = code(text).map(|(_, line)| line.trim()).collect();
    let starts = [".rule(\"", "Finding::new(\""];
    let named = starts.iter().flat_map(|start| joined.split(start).skip(1));
    named.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_rule_that_a_finding_names_is_in_the_list_of_rules() {
    // What lint could not look at, and what BuildKit refuses, are no rules.
    const OTHERS: [&str; 2] = ["not-linted", "buildkit"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for file in files {
        let name = file.display().to_string();
        if name.ends_with("tests.rs") || name.contains("tests/") {
            continue;
        }
        for rule in rules_named(&fs::read_to_string(&file).expect("it was found")) {
            let known = onebuild::allow::RULES.iter().any(|known| known.name == rule);
            assert!(known || OTHERS.contains(&&*rule), "{name}: `{rule}` is not in RULES");
            seen += 1;
        }
    }
    assert!(seen > 10, "the rules were not found");
}
