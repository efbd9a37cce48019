//! Reads trees key by key; collects all errors instead of stopping at the first.

use std::sync::Arc;

use super::examples;
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::matrix::model::{AxisSource, ResolvedAxes};
use crate::template::Template;
use crate::yaml::{Entry, Node, NodeKind};

pub(crate) struct Reader<'r> {
    pub(crate) errors: Diagnostics,
    pub(crate) warnings: Diagnostics,
    /// The values of axes with a source; `None` if they are not needed yet.
    pub(crate) resolved: Option<&'r ResolvedAxes>,
    /// The axes with a source.
    pub(crate) axis_sources: Vec<AxisSource>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(errors: Diagnostics, resolved: Option<&'r ResolvedAxes>) -> Self {
        Self { errors, warnings: Diagnostics::default(), resolved, axis_sources: Vec::new() }
    }
}

/// The key that has the meaning of `key` in a Compose file, a bake file or a workflow.
fn elsewhere(key: &str) -> Option<&'static str> {
    const KEYS: [(&str, &str); 11] = [
        ("build", "context"),
        ("build_args", "args"),
        ("build-args", "args"),
        ("buildArgs", "args"),
        ("environment", "args"),
        ("cache", "cache_from"),
        ("file", "dockerfile"),
        ("matrix", "axes"),
        ("repository", "image"),
        ("variables", "vars"),
        ("extra_hosts", "add_hosts"),
    ];
    KEYS.iter().find(|(foreign, _)| *foreign == key).map(|(_, ours)| *ours)
}

/// The key whose map has `key`.
fn inside(key: &str) -> Option<&'static str> {
    const KEYS: [(&str, &str); 4] =
        [("retries", "retry"), ("healthy", "test"), ("timeout", "test"), ("volumes", "test")];
    KEYS.iter().find(|(inner, _)| *inner == key).map(|(_, outer)| *outer)
}

impl Reader<'_> {
    pub(crate) fn error(&mut self, span: &Span, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(message).at(span, ""));
    }

    /// An error with what to do about it.
    pub(crate) fn wrong(&mut self, span: &Span, message: impl Into<String>, help: &str) {
        self.errors.push(Diagnostic::error(message).at(span, "").help(help));
    }

    /// The entries of a map; an empty value is an empty map.
    pub(crate) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Entry] {
        match &node.kind {
            NodeKind::Map(entries) => entries,
            NodeKind::Empty => &[],
            _ => {
                self.misfit(node, what, "a map of `key: value`");
                &[]
            }
        }
    }

    /// A single string.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<(&'n str, &'n Span)> {
        match &node.kind {
            NodeKind::Scalar(text) => Some((text, &node.span)),
            _ => {
                self.misfit(node, what, "a string");
                None
            }
        }
    }

    /// A string, or a list of strings.
    pub(crate) fn texts<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n str, &'n Span)> {
        match &node.kind {
            NodeKind::Scalar(text) => vec![(text, &node.span)],
            NodeKind::List(items) => {
                items.iter().filter_map(|item| self.text(item, what)).collect()
            }
            _ => {
                self.misfit(node, what, "a string or a list of strings");
                Vec::new()
            }
        }
    }

    pub(crate) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let (text, span) = self.text(node, what)?;
        self.inline(text, span)
    }

    pub(crate) fn inline(&mut self, text: &str, span: &Span) -> Option<Template> {
        Template::inline(text, span.clone()).map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// `key: string with placeholders`, in order.
    pub(crate) fn templates(&mut self, node: &Node, what: &str) -> Vec<(Arc<str>, Template)> {
        let entries = self.map(node, what);
        self.texts_by_name(entries, what)
    }

    pub(crate) fn texts_by_name<'n>(
        &mut self,
        entries: impl IntoIterator<Item = &'n Entry>,
        what: &str,
    ) -> Vec<(Arc<str>, Template)> {
        let mut found = Vec::new();
        for entry in entries {
            self.key(entry, what);
            let empty = matches!(entry.value.kind, NodeKind::Empty);
            let template = if empty {
                self.inline("", &entry.key_span)
            } else {
                self.template(&entry.value, &format!("{what}.{}", entry.key))
            };
            found.extend(template.map(|template| (entry.key.as_str().into(), template)));
        }
        found
    }

    /// Rejects keys that could not be used anywhere else.
    pub(crate) fn key(&mut self, entry: &Entry, what: &str) {
        if entry.key.is_empty() || entry.key.chars().any(char::is_control) {
            let message = format!("this is not a valid name in `{what}`");
            self.wrong(
                &entry.key_span,
                message,
                "a name is not empty and has no control characters",
            );
        }
    }

    /// Reports keys that are not known.
    pub(crate) fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        let finding = Diagnostic::error(format!("unknown key `{}`", entry.key))
            .at(&entry.key_span, "")
            .help(format!("known keys: {}", known.join(", ")));
        let known_key = |sign| entry.key.strip_suffix(sign).filter(|key| known.contains(key));
        self.errors.push(match (known_key('+'), known_key('-')) {
            (Some(key), _) => finding.help(format!(
                "`+` appends to a list of a file that this one `extends`, but it extends none: write `{key}`"
            )),
            (_, Some(key)) => finding.help(format!(
                "`-` without a value removes a key of a file that this one `extends`, but it extends none: remove `{key}`"
            )),
            _ => match elsewhere(&entry.key).filter(|key| known.contains(key)) {
                Some(key) => finding.help(format!("did you mean `{key}`?")),
                None if let Some(key) = inside(&entry.key).filter(|key| known.contains(key)) => {
                    finding.help(format!("write `{key}: {{ {}: … }}`", entry.key))
                }
                None => finding.help_nearest(&entry.key, known.iter().copied()),
            },
        });
    }

    /// An error for a value of the wrong kind, with an example of the right one.
    pub(crate) fn misfit(&mut self, node: &Node, what: &str, wanted: &str) {
        let finding = unfit(&node.span, what, wanted, &node.kind);
        self.errors.push(match examples::help(what, node) {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    pub(crate) fn unfit(&mut self, span: &Span, what: &str, wanted: &str, found: &NodeKind) {
        self.errors.push(unfit(span, what, wanted, found));
    }
}

fn unfit(span: &Span, what: &str, wanted: &str, found: &NodeKind) -> Diagnostic {
    // A key is quoted, a description such as "a rule of exclude" is not.
    let message = match what.contains(' ') {
        true => format!("{what} must be {wanted}"),
        false => format!("`{what}` must be {wanted}"),
    };
    Diagnostic::error(message).at(span, found.described())
}
