//! Merges two trees: how one file extends another.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::error::{Diagnostic, Diagnostics};
use crate::matrix::model::AxisSource;
use crate::yaml::{Entry, Node, NodeKind};

/// Merges `above` over `below`. Maps are merged key by key; everything else is replaced, unless a
/// key of `above` ends in a sign: the items of `key+` are appended to those of `below`, and `key-:`
/// without a value removes the key of `below`.
pub(crate) fn overlaid(below: Node, above: Node, errors: &mut Diagnostics) -> Node {
    match (below.kind, above.kind) {
        (NodeKind::Map(mut below), NodeKind::Map(entries)) => {
            settle_tags(&mut below, &entries);
            settle_test(&mut below, &entries);
            Node { kind: NodeKind::Map(merged(below, entries, errors)), ..above }
        }
        (_, kind) => Node { kind, ..above },
    }
}

/// The effect of a key on the same key below.
enum Effect {
    Set,
    Add,
    Remove,
}

impl Effect {
    /// The key without its sign, and the effect. If the value has another type, the sign belongs to
    /// the name.
    fn read(entry: &Entry) -> (&str, Self) {
        let (key, kind) = (entry.key.as_str(), &entry.value.kind);
        let is_map = matches!(kind, NodeKind::Map(_));
        match (key.strip_suffix('+'), key.strip_suffix('-')) {
            (Some(key), _) if !is_map => (key, Self::Add),
            (_, Some(key)) if matches!(kind, NodeKind::Empty) => (key, Self::Remove),
            _ => (key, Self::Set),
        }
    }
}

fn merged(below: Vec<Entry>, above: Vec<Entry>, errors: &mut Diagnostics) -> Vec<Entry> {
    let mut all: IndexMap<String, Entry> =
        below.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
    // Removal first, so that a key can be removed and defined again.
    let mut gone = HashSet::new();
    for entry in &above {
        if let (key, Effect::Remove) = Effect::read(entry) {
            if !all.contains_key(key) {
                errors.push(
                    Diagnostic::error(format!("there is no `{key}` to remove"))
                        .at(&entry.key_span, "")
                        .help("`-` removes a key of a file that this one extends")
                        .help_nearest(key, all.keys().map(String::as_str)),
                );
            }
            gone.insert(key.to_owned());
        }
    }
    all.retain(|key, _| !gone.contains(key));
    for mut entry in above {
        let (key, does) = Effect::read(&entry);
        let key = key.to_owned();
        match (all.get_mut(&key), does) {
            (_, Effect::Remove) => {}
            (Some(known), Effect::Set) => {
                known.key_span = entry.key_span;
                known.value = laid(known.value.take(), entry.value, errors);
            }
            (Some(known), Effect::Add) => {
                let mut items = items(known.value.take());
                let span = entry.value.span.clone();
                items.extend(self::items(entry.value));
                known.value = Node::list(span, items);
            }
            (None, _) => {
                entry.key.clone_from(&key);
                all.insert(key, entry);
            }
        }
    }
    all.into_values().collect()
}

fn laid(below: Node, above: Node, errors: &mut Diagnostics) -> Node {
    match (below.kind, above.kind) {
        // A source says nothing about the values themselves.
        (NodeKind::Map(below), NodeKind::Map(entries))
            if AxisSource::is_meant(&below) == AxisSource::is_meant(&entries) =>
        {
            Node { kind: NodeKind::Map(merged(below, entries, errors)), ..above }
        }
        (_, kind) => Node { kind, ..above },
    }
}

/// The items of a list; any other value is a single item.
fn items(node: Node) -> Vec<Node> {
    match node.kind {
        NodeKind::List(items) => items,
        NodeKind::Empty => Vec::new(),
        _ => vec![node],
    }
}

/// `tag` and `tags` are alternatives: the one above replaces the other below.
fn settle_tags(below: &mut Vec<Entry>, above: &[Entry]) {
    let has = |key: &str| above.iter().any(|entry| entry.key == key);
    if has("tags") {
        below.retain(|entry| entry.key != "tag");
    }
    if has("tag") {
        below.retain(|entry| entry.key != "tags");
    }
    if has("tags+") {
        below.iter_mut().filter(|entry| entry.key == "tag").for_each(|entry| {
            entry.key = "tags".to_owned();
        });
    }
}

/// Likewise `run` and `script` of a test.
fn settle_test(below: &mut [Entry], above: &[Entry]) {
    let said = above.iter().find(|entry| entry.key == "test");
    let known = below.iter_mut().find(|entry| entry.key == "test");
    let (Some(NodeKind::Map(said)), Some(NodeKind::Map(known))) =
        (said.map(|entry| &entry.value.kind), known.map(|entry| &mut entry.value.kind))
    else {
        return;
    };
    let is_command = |entry: &Entry| matches!(entry.key.as_str(), "run" | "script");
    if said.iter().any(is_command) {
        known.retain(|entry| !is_command(entry));
    }
}
