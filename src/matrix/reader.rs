//! Reading the tree key by key; every error is kept, none stops the reading.

use super::yaml::{Entry, Kind, Node};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::template::Template;

pub(super) struct Reader {
    pub(super) errors: Diagnostics,
}

impl Reader {
    pub(super) fn error(&mut self, span: &Span, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(message).at(span, ""));
    }

    /// The entries of a map; nothing after the colon is an empty map.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Entry] {
        match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Empty => &[],
            kind => {
                self.unfit(&node.span, what, "a map of `key: value`", kind);
                &[]
            }
        }
    }

    /// A single text.
    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<(&'n str, &'n Span)> {
        match &node.kind {
            Kind::Scalar(text) => Some((text, &node.span)),
            kind => {
                self.unfit(&node.span, what, "a text", kind);
                None
            }
        }
    }

    /// A text, or a list of them.
    pub(super) fn texts<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n str, &'n Span)> {
        match &node.kind {
            Kind::Scalar(text) => vec![(text, &node.span)],
            Kind::List(items) => items.iter().filter_map(|item| self.text(item, what)).collect(),
            kind => {
                self.unfit(&node.span, what, "a text or a list of texts", kind);
                Vec::new()
            }
        }
    }

    pub(super) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        let (text, span) = self.text(node, what)?;
        self.inline(text, span)
    }

    pub(super) fn inline(&mut self, text: &str, span: &Span) -> Option<Template> {
        Template::inline(text, span.clone()).map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// `key: text with placeholders`, in order.
    pub(super) fn templates(&mut self, node: &Node, what: &str) -> Vec<(String, Template)> {
        let mut found = Vec::new();
        for entry in self.map(node, what) {
            if entry.key.is_empty() || entry.key.chars().any(char::is_control) {
                self.error(&entry.key_span, format!("this cannot be a name in `{what}`"));
            }
            let empty = matches!(entry.value.kind, Kind::Empty);
            let template = if empty {
                self.inline("", &entry.key_span)
            } else {
                self.template(&entry.value, &format!("{what}.{}", entry.key))
            };
            found.extend(template.map(|template| (entry.key.clone(), template)));
        }
        found
    }

    /// An error for each key that is not known.
    pub(super) fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        self.errors.push(
            Diagnostic::error(format!("unknown key `{}`", entry.key))
                .at(&entry.key_span, "")
                .help(format!("known keys: {}", known.join(", ")))
                .help_nearest(&entry.key, known.iter().copied()),
        );
    }

    pub(super) fn unfit(&mut self, span: &Span, what: &str, wanted: &str, found: &Kind) {
        let found = match found {
            Kind::Empty => "nothing is given",
            Kind::Scalar(_) => "this is a text",
            Kind::List(_) => "this is a list",
            Kind::Map(_) => "this is a map",
        };
        self.errors.push(Diagnostic::error(format!("`{what}` takes {wanted}")).at(span, found));
    }
}
