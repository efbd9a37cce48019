//! The template language: the only module that knows the placeholder syntax. Pure: string in,
//! string out.
//!
//! A [`Template`] is parsed once and rendered many times, each time with the values of one
//! [`Scope`]. The language:
//!
//! - `<% expression %>` is replaced by a value. Older files use `{%name%}` for the value of a name.
//! - A line that starts with `#%` and a keyword is a control line and is removed: `if`, `elif`,
//!   `else`, `endif`, `for … in …`, `endfor`, `include "file"`.
//! - Everything else is copied byte for byte.
//!
//! Expressions are a small language of their own instead of a template engine's: every value is a
//! string, a list or a boolean, so no float or `None` can be printed; versions compare as versions;
//! an axis is its value and also has properties; and every error knows its exact place.

mod eval;
mod expression;
mod filter;
mod parse;
mod render;
mod rendered;
mod source;
#[cfg(test)]
mod tests;
mod token;
mod value;

use std::ops::Range;
use std::sync::Arc;

pub use rendered::Rendered;
pub use value::{Scope, Value};

use crate::error::{Diagnostics, SourceFile, Span};
use expression::Expression;
use source::Source;

/// A template that was parsed without errors.
#[derive(Debug, Clone)]
pub struct Template {
    source: Source,
    nodes: Vec<Node>,
}

/// A single expression: the condition of a `when:`.
#[derive(Debug, Clone)]
pub struct Condition {
    source: Source,
    expression: Expression,
}

/// A part of a template. Ranges are in bytes of the source.
#[derive(Debug, Clone)]
enum Node {
    Text { range: Range<usize>, line: u32 },
    Value { expression: Expression, line: u32 },
    If { branches: Vec<(Option<Expression>, Vec<Node>)> },
    For { name: Arc<str>, list: Expression, body: Vec<Node> },
    Include { path: String, range: Range<usize>, line: u32, ends_line: bool },
}

/// A name that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameUse {
    pub name: Arc<str>,
    pub span: Span,
    /// It may be undefined: it is used with `default` or `is defined`.
    pub optional: bool,
}

impl Template {
    /// Parses a template file with control lines; reports all errors at once.
    pub fn file(file: SourceFile) -> Result<Self, Diagnostics> {
        parse::parse(Source::file(file), true)
    }

    /// Parses a string with placeholders that is at `span` in another file.
    pub fn inline(text: &str, span: Span) -> Result<Self, Diagnostics> {
        parse::parse(Source::inline(text, span), false)
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

    /// The place of the whole template.
    pub fn span(&self) -> Span {
        self.source.span(0..self.text().len())
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
    pub fn inline(text: &str, span: Span) -> Result<Self, Diagnostics> {
        let source = Source::inline(text, span);
        let expression = expression::parse(&source, 0..text.len())?;
        Ok(Self { source, expression })
    }

    /// Its place.
    pub fn span(&self) -> Span {
        self.source.span(0..self.source.text().len())
    }

    /// Whether it is true.
    pub fn holds(&self, scope: &Scope) -> Result<bool, Diagnostics> {
        let frame = eval::Frame::new(scope, &self.source);
        Ok(eval::truth(&self.expression, &frame)?)
    }

    /// Whether it is true, or could be with other values of some names: a part that uses only names
    /// for which `is_open` holds may be true or false.
    pub fn may_hold(
        &self,
        scope: &Scope,
        is_open: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Diagnostics> {
        let frame = eval::Frame::new(scope, &self.source);
        Ok(eval::possible(&self.expression, &frame, is_open)? != Some(false))
    }

    pub fn names(&self) -> Vec<NameUse> {
        let mut found = Vec::new();
        names_of(&self.expression, &[], &self.source, &mut found);
        found
    }
}

fn each_node(nodes: &[Node], visit: &mut dyn FnMut(&Node)) {
    for node in nodes {
        visit(node);
        match node {
            Node::If { branches } => branches.iter().for_each(|(_, body)| each_node(body, visit)),
            Node::For { body, .. } => each_node(body, visit),
            Node::Text { .. } | Node::Value { .. } | Node::Include { .. } => {}
        }
    }
}

fn collect_names(
    nodes: &[Node],
    bound: &mut Vec<Arc<str>>,
    source: &Source,
    found: &mut Vec<NameUse>,
) {
    for node in nodes {
        match node {
            Node::Text { .. } | Node::Include { .. } => {}
            Node::Value { expression, .. } => names_of(expression, bound, source, found),
            Node::If { branches } => {
                let start = found.len();
                for condition in branches.iter().filter_map(|(condition, _)| condition.as_ref()) {
                    names_of(condition, bound, source, found);
                }
                // A name that a condition tests for may be undefined in the guarded lines.
                let asked = found[start..].iter().filter(|used| used.optional);
                let asked: Vec<Arc<str>> = asked.map(|used| used.name.clone()).collect();
                let start = found.len();
                for (_, body) in branches {
                    collect_names(body, bound, source, found);
                }
                for used in &mut found[start..] {
                    used.optional |= asked.contains(&used.name);
                }
            }
            Node::For { name, list, body } => {
                names_of(list, bound, source, found);
                bound.push(name.clone());
                collect_names(body, bound, source, found);
                bound.pop();
            }
        }
    }
}

fn names_of(
    expression: &Expression,
    bound: &[Arc<str>],
    source: &Source,
    found: &mut Vec<NameUse>,
) {
    expression.each_path(false, &mut |path, optional| {
        let name = &path[0];
        if !bound.contains(&name.text) {
            let span = source.span(name.range.clone());
            found.push(NameUse { name: name.text.clone(), span, optional });
        }
    });
}

/// Whether `<%text%>` would be a valid name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(token::is_name_start)
        && text.chars().all(token::is_name_part)
        && !expression::is_keyword(text)
}
