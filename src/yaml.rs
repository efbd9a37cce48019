//! YAML as a tree in which every node has its place and every scalar is a string. Pure.
//!
//! The tree is built from the parser's events instead of by deserializing, for two reasons: a
//! deserializer stops at the first wrong type, and it turns `3.10` into a number.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScanError, Span as YamlSpan};

use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};

/// Handwritten files are about a page long: a larger one is an attack on memory.
const MAX_FILE_BYTES: usize = 1 << 20;
const MAX_DEPTH: usize = 32;
/// Counted after aliases are expanded.
const MAX_NODES: usize = 100_000;

/// A file format that is written in YAML.
pub(crate) struct Language {
    /// Why a second document is an error: `a matrix is one YAML document`.
    pub(crate) single: &'static str,
    /// The help for an empty file.
    pub(crate) least: &'static str,
    /// Allowed tags besides YAML's own, such as `!reset`.
    pub(crate) tags: &'static [&'static str],
}

/// The content of one file.
pub(crate) struct Document {
    pub(crate) root: Node,
    /// From `#` to the end of the line, in file order.
    pub(crate) comments: Vec<Span>,
    /// Duplicate keys; reading continues after them.
    pub(crate) errors: Diagnostics,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: NodeKind,
    /// The number of nodes in it, including itself.
    pub(crate) size: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    /// Nothing after the colon.
    Empty,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl NodeKind {
    /// Describes the value where another type is expected.
    pub(crate) fn described(&self) -> &'static str {
        match self {
            Self::Empty => "the value is empty",
            Self::Scalar(_) => "this is a string",
            Self::List(_) => "this is a list",
            Self::Map(_) => "this is a map",
        }
    }
}

impl Node {
    /// A list that is joined from several lists.
    pub(crate) fn list(span: Span, items: Vec<Node>) -> Self {
        let size = 1 + items.iter().map(|item| item.size).sum::<usize>();
        Self { span, kind: NodeKind::List(items), size }
    }

    /// Takes the node and leaves an empty one.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self { span: self.span.clone(), kind: NodeKind::Empty, size: 1 };
        std::mem::replace(self, empty)
    }
}

/// Reads one document; a YAML syntax error ends the reading.
pub(crate) fn read(file: &SourceFile, language: &Language) -> Result<Document, Diagnostics> {
    if file.text().len() > MAX_FILE_BYTES {
        let message = format!("{} is larger than 1 MiB", file.name());
        return Err(Diagnostic::error(message).at(&file.span(0..0), "").into());
    }
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        emit_comments: true,
        // The file size bounds them.
        max_buffered_comment_events: MAX_FILE_BYTES,
    };
    let mut builder = Builder {
        file,
        language,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        comments: Vec::new(),
        errors: Diagnostics::default(),
    };
    for event in Parser::new_from_str_with_options(file.text(), options) {
        let (event, span) = event.map_err(|error| syntax(file, &error))?;
        builder.event(event, span).map_err(|diagnostic| Diagnostics::from(*diagnostic))?;
    }
    let Builder { root, comments, errors, .. } = builder;
    root.map(|root| Document { root, comments, errors }).ok_or_else(|| {
        let finding = Diagnostic::error("the file is empty").at(&file.span(0..0), "");
        finding.help(language.least).into()
    })
}

/// Phrases of the parser, and the most likely fix.
const HINTS: [(&str, &str); 12] = [
    ("recursion limit", "lists and maps can be nested at most 32 deep"),
    ("unknown anchor", "a string that starts with `*` needs quotes"),
    ("tabs disallowed", "indent with spaces"),
    ("found a tab", "indent with spaces"),
    ("mapping values are not allowed", "a string that contains `: ` needs quotes"),
    ("multiline quoted scalar", "is a closing quote missing above?"),
    ("unclosed quote", "is a closing quote missing above?"),
    ("character: `\\u", "is this a text file?"),
    (
        "unexpected character",
        "a string that starts with a special character, such as `{`, `%` or `@`, needs quotes",
    ),
    ("mismatched bracket", "close `[` with `]`, and `{` with `}`"),
    ("unclosed bracket", "add the closing bracket"),
    ("block mapping", "is this line indented like its neighbours?"),
];

fn syntax(file: &SourceFile, error: &ScanError) -> Diagnostics {
    let mut at = error.marker().byte_offset().unwrap_or(file.text().len());
    let info = error.info();
    if info.contains("found a tab") {
        // The parser points at the start of the value before it.
        at += file.text().get(at..).and_then(|rest| rest.find('\t')).unwrap_or_default();
    }
    let finding = Diagnostic::error("invalid YAML").at(&file.span(at..at), info.as_str());
    let hint = HINTS.iter().find(|(words, _)| info.contains(words));
    hint.map_or(finding.clone(), |(_, help)| finding.help(*help)).into()
}

/// A collection that is still open.
enum Open {
    List(Vec<Node>),
    /// The second part is a key without its value.
    Map(Vec<Entry>, Option<(String, Span)>),
}

struct Builder<'a> {
    file: &'a SourceFile,
    language: &'a Language,
    open: Vec<(Open, usize, usize)>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    comments: Vec<Span>,
    errors: Diagnostics,
}

type Step = Result<(), Box<Diagnostic>>;

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: YamlSpan) -> Step {
        let range = span.byte_range().unwrap_or(0..0);
        if let Some(tag) = event.tag().filter(|tag| !tag.is_yaml_core_schema()) {
            let tag = tag.to_string().replace("tag:yaml.org,2002:", "!!");
            if !self.language.tags.contains(&tag.as_str()) {
                let message = format!("the YAML tag `{tag}` is not supported here");
                let help = "remove the tag, or quote a string that starts with `!`";
                return Err(self.refuse(range, &message, help));
            }
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                // The parser returns `~` for an empty value; only the range tells the two apart.
                let plain = style == granit_parser::ScalarStyle::Plain;
                let kind = if plain && range.is_empty() {
                    NodeKind::Empty
                } else {
                    NodeKind::Scalar(text.into_owned())
                };
                self.add(Node { span: self.file.span(range), kind, size: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open.push((Open::List(Vec::new()), range.start, anchor));
                Ok(())
            }
            Event::MappingStart(_, anchor, _) => {
                self.open.push((Open::Map(Vec::new(), None), range.start, anchor));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (open, start, anchor) = self.open.pop().expect("events are balanced");
                let (kind, inside, last) = match open {
                    Open::List(items) => {
                        let inside: usize = items.iter().map(|item| item.size).sum();
                        let last = items.last().map(|item| item.span.end);
                        (NodeKind::List(items), inside, last)
                    }
                    Open::Map(entries, _) => {
                        let inside: usize = entries.iter().map(|entry| entry.value.size + 1).sum();
                        let last = entries.last().map(|entry| entry.value.span.end);
                        self.duplicates(&entries);
                        (NodeKind::Map(self.merged(entries)?), inside, last)
                    }
                };
                // A block ends where the next node starts: too far to underline.
                let end = if range.is_empty() { last.unwrap_or(start) } else { range.end };
                let span = self.file.span(start..end.max(start));
                self.add(Node { span, kind, size: inside + 1 }, anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    self.nodes += node.size - 1;
                    self.add(node, 0)
                }
                None => {
                    let message = "an alias cannot be used inside its own anchor";
                    Err(self.refuse(range, message, "write the value instead of the alias"))
                }
            },
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = format!("{}, but a second one starts here", self.language.single);
                Err(self.refuse(range, &message, "remove it, or move it into a file of its own"))
            }
            Event::Comment(..) => {
                self.comments.push(self.file.span(range));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, node: Node, anchor: usize) -> Step {
        // The nodes inside are already counted.
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message =
                format!("the file contains more than {MAX_NODES} values, with aliases expanded");
            return Err(Box::new(Diagnostic::error(message).at(&node.span, "")));
        }
        if anchor != 0 {
            // The copy is kept even if no alias uses it.
            self.nodes += node.size;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|(open, ..)| open) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, waiting)) => match (waiting.take(), node.kind) {
                (Some((key, key_span)), kind) => {
                    entries.push(Entry { key, key_span, value: Node { kind, ..node } });
                }
                (None, NodeKind::Scalar(key)) => *waiting = Some((key, node.span)),
                (None, NodeKind::Empty) => *waiting = Some((String::new(), node.span)),
                (None, NodeKind::List(_) | NodeKind::Map(_)) => {
                    let help = "a key that starts with `{` or `[` needs quotes";
                    let finding = Diagnostic::error("a key must be a string").at(&node.span, "");
                    return Err(Box::new(finding.help(help)));
                }
            },
        }
        Ok(())
    }

    /// Reports each duplicate key.
    fn duplicates(&mut self, entries: &[Entry]) {
        let mut seen: HashMap<&str, &Span> = HashMap::with_capacity(entries.len());
        for Entry { key, key_span, .. } in entries.iter().filter(|entry| entry.key != "<<") {
            if let Some(first) = seen.get(&**key) {
                self.errors.push(
                    Diagnostic::error(format!("`{key}` is given twice"))
                        .at(key_span, "again")
                        .at(first, "first"),
                );
            } else {
                seen.insert(key, key_span);
            }
        }
    }

    /// Adds the keys of `<<` that the map does not set itself.
    fn merged(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, Box<Diagnostic>> {
        if entries.iter().all(|entry| entry.key != "<<") {
            return Ok(entries);
        }
        let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.key == "<<");
        let mut known: HashSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
        for merge in merges {
            let sources = match merge.value.kind {
                NodeKind::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let NodeKind::Map(inherited) = source.kind else {
                    let message = "`<<` requires a map or a list of maps";
                    return Err(Box::new(Diagnostic::error(message).at(&source.span, "")));
                };
                for entry in inherited {
                    if known.insert(entry.key.clone()) {
                        own.push(entry);
                    }
                }
            }
        }
        Ok(own)
    }

    fn refuse(&self, range: std::ops::Range<usize>, message: &str, help: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(message).at(&self.file.span(range), "").help(help))
    }
}
