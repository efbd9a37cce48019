//! YAML as a tree in which everything knows its place and every scalar is text. Pure.
//!
//! The tree is built here from the parser's events, and not by deserializing, for two reasons: a
//! deserializer stops at the first wrong type, and it turns `3.10` into a number before anybody
//! can ask for text.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScanError, Span as YamlSpan};

use crate::error::{Diagnostic, Diagnostics, SourceFile, Span};

/// What people write by hand is a page of text: a larger one was made to fill the memory.
const LARGEST_FILE: usize = 1 << 20;
const DEEPEST: usize = 32;
/// Counted after aliases are put in place.
const MOST_NODES: usize = 100_000;

/// A kind of file that is written in YAML.
pub(crate) struct Language {
    /// Why a second document is refused: `a matrix is one YAML document`.
    pub(crate) single: &'static str,
    /// What an empty file lacks.
    pub(crate) least: &'static str,
    /// Tags that mean something, beside YAML's own: `!reset`.
    pub(crate) tags: &'static [&'static str],
}

/// What one file holds.
pub(crate) struct Document {
    pub(crate) root: Node,
    /// From `#` to the end of the line, in their order.
    pub(crate) comments: Vec<Span>,
    /// Keys that are given twice: they stop nothing yet.
    pub(crate) errors: Diagnostics,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// Nodes in it, itself included.
    pub(crate) size: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
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

impl Kind {
    /// What a person sees there, where something else is wanted.
    pub(crate) fn described(&self) -> &'static str {
        match self {
            Self::Empty => "nothing is given",
            Self::Scalar(_) => "this is a text",
            Self::List(_) => "this is a list",
            Self::Map(_) => "this is a map",
        }
    }
}

impl Node {
    /// A list that was put together of several.
    pub(crate) fn list(span: Span, items: Vec<Node>) -> Self {
        let size = 1 + items.iter().map(|item| item.size).sum::<usize>();
        Self { span, kind: Kind::List(items), size }
    }

    /// The node itself; nothing stands in its place.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Self { span: self.span.clone(), kind: Kind::Empty, size: 1 };
        std::mem::replace(self, empty)
    }
}

/// Reads one document; what YAML itself forbids ends the reading.
pub(crate) fn read(file: &SourceFile, language: &Language) -> Result<Document, Diagnostics> {
    if file.text().len() > LARGEST_FILE {
        let message = format!("{} is larger than 1 MiB", file.name());
        return Err(Diagnostic::error(message).at(&file.span(0..0), "").into());
    }
    let options = granit_parser::options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        emit_comments: true,
        // The size of the file bounds them.
        max_buffered_comment_events: LARGEST_FILE,
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

/// Words of the parser, and what the person most likely has to do.
const HINTS: [(&str, &str); 10] = [
    ("recursion limit", "lists and maps within each other: 32 at most"),
    ("unknown anchor", "a text that starts with `*` needs quotes"),
    ("tabs disallowed", "indent with spaces"),
    ("found a tab", "indent with spaces"),
    ("mapping values are not allowed", "a text with a colon and a space in it needs quotes"),
    ("multiline quoted scalar", "is a quote above not closed?"),
    ("unclosed quote", "is a quote above not closed?"),
    ("character: `\\u", "is this a text file?"),
    (
        "unexpected character",
        "a text that starts with a sign, such as `{`, `%` or `@`, needs quotes",
    ),
    ("block mapping", "is this line indented as its neighbours are?"),
];

fn syntax(file: &SourceFile, error: &ScanError) -> Diagnostics {
    let at = error.marker().byte_offset().unwrap_or(file.text().len());
    let info = error.info();
    let finding = Diagnostic::error("this is not YAML").at(&file.span(at..at), info.as_str());
    let hint = HINTS.iter().find(|(words, _)| info.contains(words));
    hint.map_or(finding.clone(), |(_, help)| finding.help(*help)).into()
}

/// A collection whose end has not come yet.
enum Open {
    List(Vec<Node>),
    /// The second part is a key that waits for its value.
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
                let message = format!("the YAML tag `{tag}` means nothing here");
                return Err(self.refuse(range, &message));
            }
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                // The parser says `~` where nothing stands; only the place tells the two apart.
                let plain = style == granit_parser::ScalarStyle::Plain;
                let kind = if plain && range.is_empty() {
                    Kind::Empty
                } else {
                    Kind::Scalar(text.into_owned())
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
                        (Kind::List(items), inside, last)
                    }
                    Open::Map(entries, _) => {
                        let inside: usize = entries.iter().map(|entry| entry.value.size + 1).sum();
                        let last = entries.last().map(|entry| entry.value.span.end);
                        self.duplicates(&entries);
                        (Kind::Map(self.merged(entries)?), inside, last)
                    }
                };
                // A block ends where the next thing starts: too far to underline.
                let end = if range.is_empty() { last.unwrap_or(start) } else { range.end };
                let span = self.file.span(start..end.max(start));
                self.add(Node { span, kind, size: inside + 1 }, anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    self.nodes += node.size - 1;
                    self.add(node, 0)
                }
                None => Err(self.refuse(range, "an alias cannot stand inside its own anchor")),
            },
            Event::DocumentStart(..) if self.root.is_some() => {
                let message = format!("{}, and here a second begins", self.language.single);
                Err(self.refuse(range, &message))
            }
            Event::Comment(..) => {
                self.comments.push(self.file.span(range));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, node: Node, anchor: usize) -> Step {
        // What is inside has been counted when it came.
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let message = format!("the file holds more than {MOST_NODES} values, aliases counted");
            return Err(Box::new(Diagnostic::error(message).at(&node.span, "")));
        }
        if anchor != 0 {
            // The copy is held whether or not an alias asks for it.
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
                (None, Kind::Scalar(key)) => *waiting = Some((key, node.span)),
                (None, Kind::Empty) => *waiting = Some((String::new(), node.span)),
                (None, Kind::List(_) | Kind::Map(_)) => {
                    let message = "a key has to be plain text";
                    return Err(Box::new(Diagnostic::error(message).at(&node.span, "")));
                }
            },
        }
        Ok(())
    }

    /// An error for each key that is given twice.
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

    /// Puts what `<<` names where it is not said otherwise.
    fn merged(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, Box<Diagnostic>> {
        if entries.iter().all(|entry| entry.key != "<<") {
            return Ok(entries);
        }
        let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.key == "<<");
        let mut known: HashSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
        for merge in merges {
            let sources = match merge.value.kind {
                Kind::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let Kind::Map(inherited) = source.kind else {
                    let message = "`<<` takes a map, or a list of maps";
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

    fn refuse(&self, range: std::ops::Range<usize>, message: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(message).at(&self.file.span(range), ""))
    }
}
