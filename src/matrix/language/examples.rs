//! An example of the right form for a value of the wrong kind.

use crate::yaml::{Node, NodeKind};

/// Keys, and a value of each. The key is not part of the example.
const EXAMPLES: &[(&str, &str)] = &[
    ("annotations", "{ org.opencontainers.image.title: My app }"),
    ("args", "{ NAME: value }"),
    ("axes", "{ os: [alpine, ubuntu], version: [\"1.0\", \"1.1\"] }"),
    ("bases", "{ \"alpine:3.20\": mirror.example/alpine:3.20 }"),
    ("contexts", "{ src: ../src }"),
    ("defaults", "{ os: alpine }"),
    ("files", "{ compose.yaml: { template: compose.template.yaml, when: latest } }"),
    ("image", "me/app"),
    ("labels", "{ org.opencontainers.image.title: My app }"),
    ("platforms", "[linux/amd64, linux/arm64]"),
    ("secrets", "{ token: { env: TOKEN } }"),
    ("tags", "[<%version%>-<%os%>]"),
    ("vars", "{ name: value }"),
];

/// The help for `node`, which is not of the kind that the key `what` requires.
pub(super) fn help(what: &str, node: &Node) -> Option<String> {
    // A secret could be in a text, which is no part of an error then.
    let own = (what != "secrets").then(|| from_value(what, &node.kind)).flatten();
    let known = || EXAMPLES.iter().find(|(key, _)| *key == what);
    let value = own.or_else(|| known().map(|(_, example)| format!("`{what}: {example}`")))?;
    Some(format!("write {value}"))
}

/// The right form with the value's own words, if they are simple.
fn from_value(what: &str, kind: &NodeKind) -> Option<String> {
    let is_map = matches!(what, "args" | "labels" | "annotations" | "vars" | "bases" | "contexts");
    match kind {
        NodeKind::List(_) | NodeKind::Scalar(_) if is_map => {
            let pairs: Option<Vec<String>> = words(kind)?.into_iter().map(pair).collect();
            let pairs = pairs.filter(|pairs| !pairs.is_empty())?;
            Some(format!("`{what}: {{ {} }}`", pairs.join(", ")))
        }
        NodeKind::List(_) if what == "tag" => {
            let words = words(kind)?;
            let plain = words.iter().all(|word| is_plain(word)) && !words.is_empty();
            Some(if plain {
                format!("`tags: [{}]`", words.join(", "))
            } else {
                "a list of tags under `tags`".to_owned()
            })
        }
        // One string.
        NodeKind::List(_) if is_text(what) => match words(kind)?.as_slice() {
            [word] if is_plain(word) => Some(format!("`{what}: {word}`")),
            _ => None,
        },
        // `tag: {version}`
        NodeKind::Map(entries) => match entries.as_slice() {
            [entry]
                if matches!(entry.value.kind, NodeKind::Empty)
                    && is_plain(&entry.key)
                    && what == "tag" =>
            {
                Some(format!("a placeholder as `<%{}%>`", entry.key))
            }
            _ => None,
        },
        NodeKind::List(_) | NodeKind::Scalar(_) | NodeKind::Empty => None,
    }
}

/// Whether the value of this key is one string.
fn is_text(what: &str) -> bool {
    !what.contains(['.', ' ']) && EXAMPLES.iter().all(|(key, _)| *key != what)
}

/// The strings of a string or a list.
fn words(kind: &NodeKind) -> Option<Vec<&str>> {
    fn word(node: &Node) -> Option<&str> {
        match &node.kind {
            NodeKind::Scalar(text) => Some(text),
            _ => None,
        }
    }
    match kind {
        NodeKind::Scalar(text) => Some(vec![text]),
        NodeKind::List(items) => items.iter().map(word).collect(),
        _ => None,
    }
}

/// `A=b` as `A: b`
fn pair(text: &str) -> Option<String> {
    let (name, value) = text.split_once('=')?;
    (is_plain(name) && is_plain(value)).then(|| format!("{name}: {value}"))
}

/// Whether YAML reads it as a string without quotes, also in braces.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || "_./<".contains(c))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./-<>%+:".contains(c))
        && !text.ends_with(':')
}
