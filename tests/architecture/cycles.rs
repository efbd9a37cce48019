//! Files that use each other in a circle.
//!
//! A file uses the files that its paths lead to. `pub use` in the `mod.rs` of a directory hands a name
//! on: a path with that name leads to the file behind it. A method needs no path, so a call of one is not
//! seen here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::sources::{Source, Use};

/// Each file with the files that it uses, and the line where it first does.
pub type Graph = BTreeMap<String, BTreeMap<String, usize>>;

/// How many facades one after the other may hand a name on.
const MAX_FACADES: usize = 8;

type Modules<'s> = HashMap<&'s [String], &'s Source>;

/// Reads the graph from `sources`. The roots of the crate use everything and are left out.
pub fn graph(sources: &[Source]) -> Graph {
    let modules: Modules = sources.iter().map(|source| (&*source.module, source)).collect();
    let inner = sources.iter().filter(|source| !source.module.is_empty());
    inner.map(|source| (source.name.clone(), used_by(source, &modules))).collect()
}

fn used_by(source: &Source, modules: &Modules) -> BTreeMap<String, usize> {
    // A name that is handed on may be used in the same file, too.
    let is_used = |used: &&Use| {
        !used.is_export || used.path.last().is_some_and(|name| source.names.contains(name))
    };
    let mut found = BTreeMap::new();
    for used in source.uses.iter().filter(is_used) {
        let file = file(source, &used.path, modules, 0);
        if let Some(file) = file.filter(|file| **file != source.name) {
            found.entry(file.clone()).or_insert(used.line);
        }
    }
    found
}

/// The file of ours that `path` leads to from `source`; none for anything else.
fn file<'s>(
    source: &Source,
    path: &[String],
    modules: &Modules<'s>,
    facades: usize,
) -> Option<&'s String> {
    let (mut at, mut rest) = start(&source.module, path);
    if at == source.module && rest.len() == path.len() {
        // The name of a module below, or of something else.
        let below = [&at, &path[..1]].concat();
        modules.get(&*below)?;
    }
    while let Some(name) = rest.first() {
        at.push(name.clone());
        if !modules.contains_key(&*at) {
            at.pop();
            break;
        }
        rest = &rest[1..];
    }
    let found = modules.get(&*at)?;
    if let Some(name) = rest.first()
        && facades < MAX_FACADES
    {
        let mut exports = found.uses.iter().filter(|used| used.is_export);
        let behind = exports.find_map(|used| {
            let is_meant = used.path.last() == Some(name);
            file(found, &used.path, modules, facades + 1).filter(|_| is_meant)
        });
        if behind.is_some() {
            return behind;
        }
    }
    (!found.module.is_empty()).then_some(&found.name)
}

/// The module that a path in `module` starts at, and what of the path is left.
fn start<'p>(module: &[String], path: &'p [String]) -> (Vec<String>, &'p [String]) {
    match path.first().map(String::as_str) {
        Some("crate" | "onebuild") => (Vec::new(), &path[1..]),
        Some("self") => (module.to_vec(), &path[1..]),
        _ => {
            let supers = path.iter().take_while(|name| *name == "super").count();
            (module[..module.len().saturating_sub(supers)].to_vec(), &path[supers..])
        }
    }
}

/// The files of each circle. Circles that share a file are one.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<&str>> {
    let all: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|name| (&**name, reached(graph, name))).collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (name, reached) in &all {
        if reached.contains(name) && !circles.iter().any(|circle| circle.contains(name)) {
            let leads_back = |other: &&&str| all.get(**other).is_some_and(|all| all.contains(name));
            circles.push(reached.iter().filter(leads_back).copied().collect());
        }
    }
    circles
}

/// The files that `from` uses, and that those use, and so on.
fn reached<'g>(graph: &'g Graph, from: &'g str) -> BTreeSet<&'g str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let used = graph.get(at).into_iter().flat_map(BTreeMap::keys);
        open.extend(used.map(String::as_str).filter(|name| reached.insert(*name)));
    }
    reached
}

/// Each use inside of `circle`, one a line.
pub fn shown(graph: &Graph, circle: &BTreeSet<&str>) -> String {
    let uses = circle.iter().flat_map(|name| {
        let inside = graph[*name].iter().filter(|(used, _)| circle.contains(&***used));
        inside.map(move |(used, line)| format!("  {name}:{line} uses {used}\n"))
    });
    uses.collect()
}
