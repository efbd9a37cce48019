//! Reads `retry`, at the top and in rules.

use crate::error::{Diagnostic, Span};
use crate::input::Retry;
use crate::matrix::language::reader::Reader;
use crate::matrix::model::Given;
use crate::yaml::{Node, NodeKind};

const KEYS: [&str; 2] = ["when", "retries"];

impl Reader<'_> {
    /// A number of further attempts, or a map.
    pub(crate) fn retry(&mut self, node: &Node) -> Option<Given<Retry>> {
        let mut value = Retry::default();
        match &node.kind {
            NodeKind::Scalar(_) => value.retries = self.retries(node, "retry"),
            NodeKind::Map(entries) => {
                for entry in entries {
                    match entry.key.as_str() {
                        "retries" => value.retries = self.retries(&entry.value, "retry.retries"),
                        "when" => value.when = self.retry_patterns(&entry.value).into(),
                        _ => self.unknown(entry, &KEYS),
                    }
                }
            }
            kind => {
                let expected = "a number of further attempts, or a map with `when` and `retries`";
                self.unfit(&node.span, "retry", expected, kind);
                return None;
            }
        }
        Some(Given { value, span: node.span.clone() })
    }

    fn retries(&mut self, node: &Node, what: &str) -> Option<u32> {
        let (text, span) = self.text(node, what)?;
        let number = text.parse().ok().filter(|number| *number <= Retry::MOST);
        if number.is_none() {
            let message = format!("`{what}` cannot be `{text}`");
            let help = format!("write a number from 0 to {}", Retry::MOST);
            self.errors.push(Diagnostic::error(message).at(span, "").help(help));
        }
        number
    }

    fn retry_patterns(&mut self, node: &Node) -> Vec<String> {
        let mut found = Vec::new();
        for (text, span) in self.texts(node, "retry.when") {
            if text.trim().is_empty() {
                let help = "write a part of the output that shows a temporary failure";
                self.wrong(span, "an empty text is in every output", help);
            } else if matches!(text, "null" | "~") && !is_quoted(span) {
                let help = "write a part of the output; with quotes, this is one, too";
                self.wrong(span, format!("`retry.when` cannot be `{text}`"), help);
            } else {
                found.push(text.to_owned());
            }
        }
        found
    }
}

/// Whether a scalar is in quotes, which its place does not include.
fn is_quoted(span: &Span) -> bool {
    span.file.text()[..span.start].ends_with(['"', '\''])
}
