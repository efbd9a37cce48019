//! One tree laid over another: how a file extends another one.

use super::outside::Outside;
use super::yaml::{Entry, Kind, Node};

/// `above` where it says something, else `below`. Maps are merged key by key; all the rest is
/// replaced, unless a key of `above` ends in `+`: then its items follow those of `below`.
pub(super) fn overlaid(below: Node, above: Node) -> Node {
    let (Kind::Map(below), Kind::Map(above_entries)) = (&below.kind, &above.kind) else {
        return above;
    };
    let mut below = below.clone();
    settle_tags(&mut below, above_entries);
    settle_test(&mut below, above_entries);
    Node { kind: Kind::Map(merged(below, above_entries.clone())), ..above }
}

fn merged(below: Vec<Entry>, above: Vec<Entry>) -> Vec<Entry> {
    let mut all = below;
    for mut entry in above {
        let more = entry.key.strip_suffix('+').map(str::to_owned);
        let key = more.as_ref().unwrap_or(&entry.key);
        let at = all.iter().position(|known| known.key == *key);
        match (at, more) {
            (Some(at), None) => {
                let known = &mut all[at];
                known.key_span = entry.key_span;
                known.value = laid(known.value.take(), entry.value);
            }
            (Some(at), Some(_)) => {
                let known = &mut all[at];
                let mut items = items(known.value.take());
                let span = entry.value.span.clone();
                items.extend(self::items(entry.value));
                known.value = Node::list(span, items);
            }
            (None, more) => {
                if let Some(key) = more {
                    entry.key = key;
                }
                all.push(entry);
            }
        }
    }
    all
}

fn laid(below: Node, above: Node) -> Node {
    match (below.kind, above.kind) {
        // Where values come from says nothing about the values themselves.
        (Kind::Map(below), Kind::Map(entries))
            if Outside::is_meant(&below) == Outside::is_meant(&entries) =>
        {
            Node { kind: Kind::Map(merged(below, entries)), ..above }
        }
        (_, kind) => Node { kind, ..above },
    }
}

/// The items of a list; anything else is one item.
fn items(node: Node) -> Vec<Node> {
    match node.kind {
        Kind::List(items) => items,
        Kind::Empty => Vec::new(),
        _ => vec![node],
    }
}

/// `tag` and `tags` are two ways to say one thing: the one above replaces the other below.
fn settle_tags(below: &mut Vec<Entry>, above: &[Entry]) {
    let says = |key: &str| above.iter().any(|entry| entry.key == key);
    if says("tags") {
        below.retain(|entry| entry.key != "tag");
    }
    if says("tag") {
        below.retain(|entry| entry.key != "tags");
    }
    if says("tags+") {
        below.iter_mut().filter(|entry| entry.key == "tag").for_each(|entry| {
            entry.key = "tags".to_owned();
        });
    }
}

/// So are `run` and `script` of a test.
fn settle_test(below: &mut [Entry], above: &[Entry]) {
    let said = above.iter().find(|entry| entry.key == "test");
    let known = below.iter_mut().find(|entry| entry.key == "test");
    let (Some(Kind::Map(said)), Some(Kind::Map(known))) =
        (said.map(|entry| &entry.value.kind), known.map(|entry| &mut entry.value.kind))
    else {
        return;
    };
    let is_command = |entry: &Entry| matches!(entry.key.as_str(), "run" | "script");
    if said.iter().any(is_command) {
        known.retain(|entry| !is_command(entry));
    }
}
