//! Reading the tree key by key; every error is kept, none stops the reading.

use std::sync::Arc;

use super::outside::{Outside, Resolved};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::template::Template;
use crate::yaml::{Entry, Kind, Node};

pub(super) struct Reader<'r> {
    pub(super) errors: Diagnostics,
    pub(super) warnings: Diagnostics,
    /// The values of axes that come from elsewhere; none where they are not asked for yet.
    pub(super) resolved: Option<&'r Resolved>,
    /// The axes whose values come from elsewhere.
    pub(super) outside: Vec<Outside>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(errors: Diagnostics, resolved: Option<&'r Resolved>) -> Self {
        Self { errors, warnings: Diagnostics::default(), resolved, outside: Vec::new() }
    }
}

impl Reader<'_> {
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
    pub(super) fn templates(&mut self, node: &Node, what: &str) -> Vec<(Arc<str>, Template)> {
        let entries = self.map(node, what);
        self.texts_by_name(entries, what)
    }

    pub(super) fn texts_by_name<'n>(
        &mut self,
        entries: impl IntoIterator<Item = &'n Entry>,
        what: &str,
    ) -> Vec<(Arc<str>, Template)> {
        let mut found = Vec::new();
        for entry in entries {
            self.key(entry, what);
            let empty = matches!(entry.value.kind, Kind::Empty);
            let template = if empty {
                self.inline("", &entry.key_span)
            } else {
                self.template(&entry.value, &format!("{what}.{}", entry.key))
            };
            found.extend(template.map(|template| (entry.key.as_str().into(), template)));
        }
        found
    }

    /// Refuses a key that could not be written anywhere else.
    pub(super) fn key(&mut self, entry: &Entry, what: &str) {
        if entry.key.is_empty() || entry.key.chars().any(char::is_control) {
            self.error(&entry.key_span, format!("this cannot be a name in `{what}`"));
        }
    }

    /// An error for each key that is not known.
    pub(super) fn unknown(&mut self, entry: &Entry, known: &[&str]) {
        let finding = Diagnostic::error(format!("unknown key `{}`", entry.key))
            .at(&entry.key_span, "")
            .help(format!("known keys: {}", known.join(", ")));
        let known_key = |sign| entry.key.strip_suffix(sign).filter(|key| known.contains(key));
        self.errors.push(match (known_key('+'), known_key('-')) {
            (Some(key), _) => finding.help(format!(
                "`+` adds to a list of a file that this one `extends`, and it extends none: write `{key}`"
            )),
            (_, Some(key)) => finding.help(format!(
                "`-`, with nothing after the colon, takes away what a file says that this one `extends`: leave `{key}` out"
            )),
            _ => finding.help_nearest(&entry.key, known.iter().copied()),
        });
    }

    pub(super) fn unfit(&mut self, span: &Span, what: &str, wanted: &str, found: &Kind) {
        let message = format!("`{what}` takes {wanted}");
        self.errors.push(Diagnostic::error(message).at(span, found.described()));
    }
}
