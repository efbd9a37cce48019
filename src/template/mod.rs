//! The template language: the only module that knows the placeholder syntax. Pure: string in,
//! string out.
//!
//! A [`Template`] is parsed once and rendered many times, each time with the values of one
//! [`Scope`]. The language:
//!
//! - `<% expression %>` is replaced by a value. Older files use `{%name%}` for the value of a name.
//! - A line that starts with `#%` and a keyword is a control line and is removed: `if`, `elif`,
//!   `else`, `endif`, `for … in …`, `endfor`, `include "file"`, `raw`, `endraw`.
//! - Lines between `raw` and `endraw` are copied byte for byte, and so is a `<%` that no `%>` follows.
//! - Everything else is copied byte for byte.
//!
//! Expressions are a small language of their own instead of a template engine's: every value is a
//! string, a list or a boolean, so no float or `None` can be printed; versions compare as versions;
//! an axis is its value and also has properties; and every error knows its exact place.

mod eval;
mod expression;
mod filter;
mod node;
mod parse;
mod render;
mod rendered;
mod source;
#[cfg(test)]
mod tests;
mod token;
mod value;

use std::ops::Range;

pub(crate) use node::NameUse;
pub(crate) use rendered::Rendered;
pub(crate) use source::or_foreign;
pub use value::{Scope, Value};

use crate::error::{Diagnostics, SourceFile, Span};
use expression::Expression;
use node::{Node, collect_names, each_node, names_of};
use parse::Parsed;
use source::Source;

/// A template that was parsed without errors.
#[derive(Debug, Clone)]
pub struct Template {
    source: Source,
    nodes: Vec<Node>,
    /// The places of each `<%` that is not a placeholder.
    plain_signs: Vec<Range<usize>>,
}

/// A single expression: the condition of a `when:`.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    source: Source,
    expression: Expression,
}

impl Template {
    /// Parses a template file with control lines; reports all errors at once.
    pub fn file(file: SourceFile) -> Result<Self, Diagnostics> {
        Self::parse(Source::file(file), true)
    }

    /// A file without placeholders and control lines, which renders to itself.
    pub fn verbatim(file: SourceFile) -> Self {
        let range = 0..file.text().len();
        let text = Node::Text { range: range.clone(), line: 1 };
        let nodes = if range.is_empty() { Vec::new() } else { vec![text] };
        Self { source: Source::file(file), nodes, plain_signs: Vec::new() }
    }

    /// Parses a string with placeholders that is at `span` in another file.
    pub fn inline(text: &str, span: Span) -> Result<Self, Diagnostics> {
        Self::parse(Source::inline(text, span), false)
    }

    fn parse(source: Source, control: bool) -> Result<Self, Diagnostics> {
        let Parsed { nodes, plain_signs } = parse::parse(&source, control)?;
        Ok(Self { source, nodes, plain_signs })
    }

    /// The places of each `<%` that is not a placeholder, because no `%>` follows it in its line.
    pub fn plain_signs(&self) -> impl Iterator<Item = Span> {
        self.plain_signs.iter().map(|range| self.source.span(range.clone()))
    }

    /// The template's file; `None` for a string in another file.
    pub fn source_file(&self) -> Option<&SourceFile> {
        match &self.source {
            Source::File(file) => Some(file),
            Source::Inline { .. } => None,
        }
    }

    /// The source of the template.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// Whether it renders to the same string for all values.
    pub fn is_literal(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node, Node::Text { .. }))
    }

    /// The part before the first placeholder for which a name that it uses `varies`; `None` if there is no
    /// such placeholder.
    pub(crate) fn before_first(&self, varies: &dyn Fn(&str) -> bool) -> Option<Self> {
        let uses = |node: &Node| {
            let mut names = Vec::new();
            collect_names(std::slice::from_ref(node), &mut Vec::new(), &self.source, &mut names);
            names.iter().any(|used| varies(&used.name))
        };
        let end = self.nodes.iter().position(uses)?;
        let nodes = self.nodes[..end].to_vec();
        Some(Self { source: self.source.clone(), nodes, plain_signs: Vec::new() })
    }

    /// The place of the whole template.
    pub fn span(&self) -> Span {
        self.source.span(0..self.text().len())
    }

    /// The parts of its text that are no placeholders, in all branches.
    pub(crate) fn plain(&self) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        each_node(&self.nodes, &mut |node| {
            if let Node::Text { range, .. } = node {
                found.push(range.clone());
            }
        });
        found
    }

    /// The place of a part of its text.
    pub(crate) fn part(&self, range: Range<usize>) -> Span {
        self.source.span(range)
    }

    /// The files that it includes directly, as written, with their places.
    pub fn includes(&self) -> Vec<(String, Span)> {
        let mut found = Vec::new();
        each_node(&self.nodes, &mut |node| {
            if let Node::Include { path, range, .. } = node {
                found.push((path.clone(), self.source.span(range.clone())));
            }
        });
        found
    }

    /// The names that it uses but does not define itself, in all branches, in order.
    pub fn names(&self) -> Vec<NameUse> {
        let mut found = Vec::new();
        collect_names(&self.nodes, &mut Vec::new(), &self.source, &mut found);
        found
    }
}

impl Condition {
    /// Parses an expression that is at `span` in another file.
    pub(crate) fn inline(text: &str, span: Span) -> Result<Self, Diagnostics> {
        let source = Source::inline(text, span);
        let expression = expression::parse(&source, 0..text.len())?;
        Ok(Self { source, expression })
    }

    /// Its place.
    pub(crate) fn span(&self) -> Span {
        self.source.span(0..self.source.text().len())
    }

    /// Whether it is true.
    pub(crate) fn holds(&self, scope: &Scope) -> Result<bool, Diagnostics> {
        let frame = eval::Frame::new(scope, &self.source);
        Ok(eval::truth(&self.expression, &frame)?)
    }

    /// Whether it is true, or could be with other values of some names: a part that uses only names
    /// for which `is_open` holds may be true or false.
    pub(crate) fn may_hold(
        &self,
        scope: &Scope,
        is_open: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Diagnostics> {
        let frame = eval::Frame::new(scope, &self.source);
        Ok(eval::possible(&self.expression, &frame, is_open)? != Some(false))
    }

    pub(crate) fn names(&self) -> Vec<NameUse> {
        let mut found = Vec::new();
        names_of(&self.expression, &[], &self.source, &mut found);
        found
    }
}

/// Whether `<%text%>` would be a valid name.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(token::is_name_start)
        && text.chars().all(token::is_name_part)
        && !expression::is_keyword(text)
}
