//! Which module may use which, and what the pure core may not touch.
//!
//! The sources are parsed, so that no way to write a path hides it. Tests may use what they like.

mod cycles;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sources::Source;

/// A module below `src` and the others that it may use, each of which stands above it. A module that is
/// not listed fails the test, so that a new one gets its place here first.
const MAY_USE: &[(&str, &[&str])] = &[
    // The core, each line seeing only the lines above it.
    ("text", &[]),
    ("version", &[]),
    ("error", &["text"]),
    ("image", &["error", "text"]),
    ("template", &["error", "version"]),
    ("dockerfile", &["image"]),
    ("yaml", &["error"]),
    ("allow", &["error", "yaml"]),
    ("failure", &["image"]),
    ("loopback", &[]),
    ("proxy", &["loopback"]),
    ("cell_name", &[]),
    ("outcome", &["cell_name", "failure", "image"]),
    ("event", &["cell_name", "image", "outcome"]),
    ("input", &["cell_name", "error", "image"]),
    ("grants", &["error", "image", "input"]),
    (
        "matrix",
        &[
            "cell_name",
            "allow",
            "error",
            "event",
            "image",
            "input",
            "loopback",
            "template",
            "version",
            "yaml",
        ],
    ),
    (
        "plan",
        &[
            "allow",
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
    ("init", &["error", "image", "matrix", "template", "version", "yaml"]),
    (
        "lint",
        &[
            "cell_name",
            "allow",
            "dockerfile",
            "error",
            "event",
            "image",
            "input",
            "plan",
            "template",
            "text",
            "yaml",
        ],
    ),
    ("check", &["allow", "dockerfile", "error", "image", "input", "matrix", "plan", "template"]),
    // What touches the world.
    ("regular", &[]),
    ("unsent", &[]),
    ("buildkit", &["regular"]),
    ("debug", &["error", "text", "unsent"]),
    ("context", &["error", "unsent"]),
    ("dial", &["debug", "error", "regular"]),
    ("docker", &["debug", "dial", "error", "image", "loopback", "regular"]),
    ("node", &["buildkit", "dial", "docker", "error", "image", "loopback"]),
    ("registry", &["debug", "dial", "docker", "error", "failure", "image", "loopback", "proxy"]),
    (
        "axis_source",
        &["debug", "docker", "error", "loopback", "proxy", "registry", "regular", "text"],
    ),
    ("schedule", &["cell_name", "event", "failure", "image", "outcome", "plan"]),
    ("report", &["cell_name", "event", "failure", "image", "outcome", "text"]),
    // A row of the table is shown when its cell ends.
    ("progress", &["cell_name", "event", "image", "outcome", "report", "text"]),
    (
        "record",
        &[
            "cell_name",
            "error",
            "event",
            "failure",
            "image",
            "input",
            "outcome",
            "progress",
            "regular",
            "text",
            "unsent",
        ],
    ),
    ("reporters", &["error", "failure", "image", "outcome", "plan", "record", "report", "text"]),
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
            "input",
            "node",
            "outcome",
            "plan",
            "registry",
            "regular",
            "schedule",
            "template",
            "text",
        ],
    ),
    ("config", &["grants", "input", "matrix", "plan", "progress", "record", "reporters"]),
    (
        "cli",
        &[
            "config",
            "error",
            "grants",
            "image",
            "input",
            "matrix",
            "plan",
            "progress",
            "record",
            "reporters",
            "template",
            "text",
        ],
    ),
    ("run", &["cli", "config", "debug", "docker", "error", "node", "proxy", "regular", "text"]),
    (
        "workspace",
        &[
            "axis_source",
            "cell_name",
            "config",
            "context",
            "debug",
            "docker",
            "driver",
            "error",
            "failure",
            "grants",
            "image",
            "input",
            "lint",
            "matrix",
            "plan",
            "regular",
            "run",
            "template",
            "text",
        ],
    ),
    // Wiring sees everything.
    ("commands", ANY),
    ("lib", ANY),
    ("main", ANY),
];

const ANY: &[&str] = &["*"];

/// Modules that are given text and values and return values.
const PURE: &[&str] = &[
    "allow",
    "text",
    "version",
    "error",
    "failure",
    "image",
    "loopback",
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

/// What pure code may use of the standard library; `std::io` only for what is given to it.
const PURE_STD: &[&str] = &[
    "array",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "fmt",
    "hash",
    "iter",
    "mem",
    "net",
    "num",
    "ops",
    "path",
    "rc",
    "slice",
    "str",
    "string",
    "sync",
    "time",
    "vec",
];

/// What it may use of `std::io`: a writer that it is given.
const PURE_IO: &[&str] = &["Error", "ErrorKind", "Result", "Write"];

/// What of these it may not name.
const IMPURE_NAMES: &[&str] = &[
    "SystemTime",
    "Instant",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "stdin",
    "stdout",
    "stderr",
];

/// Methods of paths that ask the disk, and what writes to the terminal or reads the build's environment.
const IMPURE_CALLS: &[&str] = &[
    "canonicalize",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "metadata",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
    "dbg!",
    "env!",
    "eprint!",
    "eprintln!",
    "include_bytes!",
    "option_env!",
    "print!",
    "println!",
];

/// The crates that pure code may use: they work on values alone.
const PURE_CRATES: &[&str] = &[
    "annotate_snippets",
    "anstyle",
    "granit_parser",
    "http",
    "indexmap",
    "minijinja",
    "quick_junit",
    "serde",
    "serde_json",
    "sha2",
    "similar",
    "strsim",
    "thiserror",
    "unicode_width",
];

/// Crates that touch the world, and may not be used by pure code.
const OTHER_CRATES: &[&str] = &[
    "anstream",
    "aws_lc_rs",
    "base64",
    "bollard",
    "bollard_buildkit_proto",
    "bytes",
    "clap",
    "clap_complete",
    "clap_mangen",
    "flate2",
    "futures",
    "getrandom",
    "h2",
    "http_body_util",
    "httpdate",
    "hyper",
    "hyper_util",
    "ignore",
    "prost",
    "reqwest",
    "rustix",
    "rustls",
    "tar",
    "tempfile",
    "terminal_size",
    "time",
    "tokio",
    "tokio_rustls",
    "tokio_stream",
    "tokio_util",
    "tonic",
    "tonic_prost",
    "tower",
    "tower_service",
    "tracing",
    "zeroize",
];

/// Crates that one module alone may use.
const USED_BY: &[(&str, &str)] =
    &[("clap", "cli"), ("clap_complete", "cli"), ("clap_mangen", "cli")];

/// Constants of the crate itself, which every module may use.
const OF_THE_CRATE: &[&str] = &["VERSION"];

/// The faults of one file: what it is, where it stands, and what it says.
fn faults(source: &Source) -> Vec<String> {
    let Some(room) = source.module.first() else { return Vec::new() };
    let name = &source.name;
    let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == room) else {
        return vec![format!("{name}: the module `{room}` is not in MAY_USE")];
    };
    let mut found = Vec::new();
    for used in &source.uses {
        let line = used.line;
        let target = room_of(&source.module, &used.path);
        if let Some(target) = target
            && target != *room
            && !OF_THE_CRATE.contains(&target.as_str())
            && *allowed != ANY
            && !allowed.contains(&target.as_str())
        {
            found.push(format!("{name}:{line}: `{room}` may not use `{target}`"));
        }
        let owned = USED_BY
            .iter()
            .find(|(used_crate, _)| used.path.first().is_some_and(|n| n == used_crate));
        if let Some((used_crate, owner)) = owned.filter(|(_, owner)| owner != room) {
            found.push(format!("{name}:{line}: only `{owner}` may use `{used_crate}`"));
        }
        if PURE.contains(&room.as_str()) && !is_pure(&used.path) {
            let path = used.path.join("::");
            found.push(format!("{name}:{line}: `{room}` is pure and may not use `{path}`"));
        }
    }
    for call in source.calls.iter().filter(|_| PURE.contains(&room.as_str())) {
        let what = &call.path[0];
        if IMPURE_CALLS.contains(&what.as_str()) {
            let line = call.line;
            found.push(format!("{name}:{line}: `{room}` is pure and may not call `{what}`"));
        }
    }
    found
}

/// The module below `src` that a path leads to.
fn room_of(module: &[String], path: &[String]) -> Option<String> {
    let known = |name: &String| MAY_USE.iter().any(|(room, _)| room == name);
    let supers = path.iter().take_while(|name| *name == "super").count();
    match path.first()?.as_str() {
        "crate" | "onebuild" => path.get(1).filter(|name| known(name)).cloned(),
        "super" if supers >= module.len() => path.get(supers).filter(|name| known(name)).cloned(),
        _ => None,
    }
}

/// Whether pure code may name this.
fn is_pure(path: &[String]) -> bool {
    let first = path[0].as_str();
    if path.iter().any(|name| IMPURE_NAMES.contains(&name.as_str())) {
        return false;
    }
    match first {
        "std" | "core" | "alloc" => {
            let second = path.get(1).map(String::as_str);
            second.is_some_and(|name| PURE_STD.contains(&name))
                || second == Some("io")
                    && path.get(2).is_none_or(|name| PURE_IO.contains(&name.as_str()))
        }
        // URLs are values, whichever crate hands them on.
        "reqwest" => path.get(1).is_some_and(|name| name == "Url"),
        name => !OTHER_CRATES.contains(&name),
    }
}

#[test]
fn every_crate_of_ours_is_known_to_be_pure_or_not() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("the manifest is readable");
    let part = text.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let names = part.into_iter().flat_map(str::lines).filter_map(|line| line.split_once(" ="));
    let names: Vec<String> = names.map(|(name, _)| name.replace('-', "_")).collect();
    assert!(names.len() > 20, "the dependencies were not found");
    for name in names {
        let known = PURE_CRATES.contains(&&*name) || OTHER_CRATES.contains(&&*name);
        assert!(known, "`{name}` is neither in PURE_CRATES nor in OTHER_CRATES");
    }
}

#[test]
fn no_module_uses_what_is_above_it() {
    let sources = Source::all();
    assert!(sources.len() > 100, "the sources were not found");
    let found: Vec<String> = sources.iter().flat_map(faults).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn what_a_module_may_use_stands_above_it() {
    for (index, (room, allowed)) in MAY_USE.iter().enumerate() {
        for used in allowed.iter().filter(|_| *allowed != ANY) {
            let above = MAY_USE[..index].iter().any(|(known, _)| known == used);
            assert!(above, "`{room}` may use `{used}`, which is not above it");
        }
    }
    for pure in PURE {
        let (_, allowed) = MAY_USE.iter().find(|(room, _)| room == pure).expect("it is listed");
        let impure = allowed.iter().find(|used| !PURE.contains(used));
        assert_eq!(impure, None, "`{pure}` is pure, and what it uses is not");
    }
}

/// Circles that are still there, each with all its files. A change that opens one takes it out of here.
const KNOWN_CIRCLES: &[&[&str]] = &[&["plan/bases.rs", "plan/privileges.rs", "plan/request.rs"]];

#[test]
fn no_files_use_each_other_in_a_circle() {
    let graph = cycles::graph(&Source::all());
    let uses: usize = graph.values().map(|used| used.len()).sum();
    assert!(uses > 300, "the uses were not found");
    let circles = cycles::circles(&graph);
    let is_known = |circle: &BTreeSet<&str>| {
        KNOWN_CIRCLES.iter().any(|known| circle.iter().all(|file| known.contains(file)))
    };
    let found: Vec<String> = circles
        .iter()
        .filter(|circle| !is_known(circle))
        .map(|circle| cycles::shown(&graph, circle))
        .collect();
    assert!(found.is_empty(), "files use each other in a circle:\n{}", found.join("\n"));
    for known in KNOWN_CIRCLES {
        let is_there = circles.iter().any(|circle| circle.iter().all(|file| known.contains(file)));
        assert!(is_there, "this circle is open, take it out of KNOWN_CIRCLES: {known:?}");
    }
}

#[test]
fn every_kind_of_circle_is_found() {
    let one = "pub struct One(super::Two);";
    let facade = "mod one;\nmod two;\npub use one::One;\npub use self::two::Two;";
    for (files, circles) in [
        // Through a facade, which is not part of the circle.
        (
            &[
                ("a/mod.rs", facade),
                ("a/one.rs", one),
                ("a/two.rs", "pub struct Two(Option<Box<super::one::One>>);"),
                ("b.rs", "use crate::a::One;"),
            ][..],
            &[&["a/one.rs", "a/two.rs"][..]][..],
        ),
        // With a facade that uses what it hands on.
        (
            &[
                ("a/mod.rs", "mod one;\npub use one::One;\npub struct Two(Option<Box<One>>);"),
                ("a/one.rs", one),
            ],
            &[&["a/mod.rs", "a/one.rs"]],
        ),
        // With three files, one of them in another directory.
        (
            &[
                ("a.rs", "use crate::b::{self, c::C};"),
                ("b/mod.rs", "mod c;\nfn f() { c::f(); }"),
                ("b/c.rs", "fn f() { assert!(crate::a::f()); }"),
            ],
            &[&["a.rs", "b/c.rs", "b/mod.rs"]],
        ),
        // What is no circle.
        (&[("a/mod.rs", facade), ("a/one.rs", one), ("a/two.rs", "pub struct Two;")], &[]),
        (&[("a/mod.rs", "mod one;\n#[cfg(test)]\nuse one::One;"), ("a/one.rs", one)], &[]),
    ] {
        let sources: Vec<Source> =
            files.iter().map(|(name, text)| Source::parse(name, text)).collect();
        let graph = cycles::graph(&sources);
        let found = cycles::circles(&graph);
        let found: Vec<Vec<&str>> =
            found.into_iter().map(|circle| circle.into_iter().collect()).collect();
        assert_eq!(found, circles, "{files:?}");
    }
}

#[test]
fn every_kind_of_fault_is_found() {
    for (file, text) in [
        ("image/x.rs", "use crate::template::Template;"),
        ("template/x.rs", "use crate::{\n    error::Span,\n    matrix::Matrix,\n};"),
        ("template/x.rs", "use super::super::matrix::Matrix;"),
        ("matrix/x.rs", "fn f() { let plan = crate::plan::table(&cells); }"),
        ("matrix/x.rs", "fn f() { assert!(crate::plan::table(&cells)); }"),
        ("matrix/x.rs", "use tokio::sync::mpsc;"),
        ("matrix/x.rs", "use std::{env, fmt};"),
        ("plan/x.rs", "fn f() { std::fs::read_to_string(path) }"),
        ("plan/x.rs", "fn f() { crate::debug::hide(value); }"),
        ("failure/x.rs", "fn f() { tracing::debug!(message); }"),
        ("plan/x.rs", "fn f(path: &Path) -> bool { path.exists() }"),
        ("plan/x.rs", "use std::time::{Duration, SystemTime};"),
        ("plan/x.rs", "use std::io::stdin;"),
        ("plan/x.rs", "fn f() { io::stdout().lock(); }"),
        ("error/x.rs", "fn f() { eprintln!(\"x\"); }"),
        ("buildkit/x.rs", "use crate::error::Error;"),
        ("schedule/x.rs", "use crate::buildkit::Client;"),
        ("commands/x.rs", "use clap::Parser;"),
        ("commands/x.rs", "fn f() { clap_complete::generate(); }"),
        ("progress/x.rs", "#[derive(Debug, clap::ValueEnum)]\nenum Mode { A }"),
        ("cellar/x.rs", "const X: u8 = 1;"),
    ] {
        let found = faults(&Source::parse(file, text));
        assert_eq!(found.len(), 1, "{file}: {text}: {found:?}");
    }
}

#[test]
fn what_is_no_fault_is_left_alone() {
    for (file, text) in [
        ("matrix/x.rs", "use crate::template::Template;"),
        ("matrix/x.rs", "use crate::matrix::axis::Axis;"),
        ("commands/x.rs", "use crate::{buildkit, matrix};"),
        ("image/x.rs", "// crate::template is above\nconst X: u8 = 1;"),
        ("plan/x.rs", "#[cfg(test)]\nmod tests {\n    use crate::driver::Engine;\n}\n"),
        ("plan/x.rs", "#[cfg(test)]\nfn f() { std::fs::read(x) }\nfn g() {}"),
        ("driver/x.rs", "use tokio::fs;"),
        ("cli/x.rs", "#[derive(clap::Args)]\nstruct Args;"),
        ("plan/x.rs", "use std::io::{self, Write};"),
    ] {
        assert_eq!(faults(&Source::parse(file, text)), Vec::<String>::new());
    }
}

#[test]
fn every_rule_that_a_finding_names_is_in_the_list_of_rules() {
    // Not rules: what lint could not check, and what BuildKit refuses.
    const OTHERS: [&str; 2] = ["not-linted", "buildkit"];
    let named: Vec<(String, String)> = Source::all()
        .into_iter()
        .flat_map(|source| source.rules.into_iter().map(move |rule| (source.name.clone(), rule)))
        .collect();
    assert!(named.len() > 10, "the rules were not found");
    for (file, rule) in named {
        let known = onebuild::parts::RULES.iter().any(|known| known.name == rule);
        assert!(known || OTHERS.contains(&&*rule), "{file}: `{rule}` is not in RULES");
    }
}
