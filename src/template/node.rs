//! The parts of a template, and the names that they use.

use std::ops::Range;
use std::sync::Arc;

use super::expression::Expression;
use super::source::Source;
use crate::error::Span;

/// A part of a template. Ranges are in bytes of the source.
#[derive(Debug, Clone)]
pub(super) enum Node {
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

pub(super) fn each_node(nodes: &[Node], visit: &mut dyn FnMut(&Node)) {
    for node in nodes {
        visit(node);
        match node {
            Node::If { branches } => branches.iter().for_each(|(_, body)| each_node(body, visit)),
            Node::For { body, .. } => each_node(body, visit),
            Node::Text { .. } | Node::Value { .. } | Node::Include { .. } => {}
        }
    }
}

pub(super) fn collect_names(
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

pub(super) fn names_of(
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
