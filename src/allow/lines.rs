//! The lines of a YAML file, and the items on them.

use crate::error::{SourceFile, Span};
use crate::yaml::{Node, NodeKind};

/// The line ends of a file, so that they are counted only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines(Vec<usize>);

/// The entries of maps and the items of lists, so that a comment above an item applies to all of
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Items(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    start: usize,
    end: usize,
    /// The list item that this entry is a key of.
    of: Option<usize>,
}

impl Lines {
    pub(super) fn of(file: &SourceFile) -> Self {
        Self(file.text().match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of the byte at `offset`, from 1.
    pub(super) fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }

    /// The line that a comment belongs to: its own, or the next line that is not a comment if it is
    /// on a line of its own.
    pub(super) fn meant(&self, comment: &Span) -> Option<usize> {
        let text = comment.file.text();
        let own = self.number(comment.start);
        let begin = own.checked_sub(2).map_or(0, |before| self.0[before] + 1);
        if !text[begin..comment.start].trim().is_empty() {
            return Some(own);
        }
        let mut next = text[begin..].lines().zip(own..).skip(1);
        next.find(|(line, _)| !line.trim_start().starts_with('#'))
            .filter(|(line, _)| !line.trim().is_empty())
            .map(|(_, number)| number)
    }
}

impl Items {
    pub(super) fn of(root: &Node) -> Self {
        let mut items = Self::default();
        items.add(root, None);
        items
    }

    fn add(&mut self, node: &Node, of: Option<usize>) {
        match &node.kind {
            NodeKind::List(nodes) => {
                for node in nodes {
                    let start = node.span.start;
                    self.0.push(Item { start, end: node.span.end, of: None });
                    self.add(node, Some(start));
                }
            }
            NodeKind::Map(entries) => {
                for entry in entries {
                    let (key, value) = (&entry.key_span, &entry.value.span);
                    // The value of an alias is in another place.
                    let end = value.end.max(key.end);
                    self.0.push(Item { start: key.start, end, of });
                    self.add(&entry.value, None);
                }
            }
            NodeKind::Scalar(_) | NodeKind::Empty => {}
        }
    }

    /// The start of the smallest item that contains `span`, and that of the list item that it is a
    /// key of.
    pub(super) fn around(&self, span: &Span) -> impl Iterator<Item = usize> {
        let holds = |item: &&Item| item.start <= span.start && span.end <= item.end;
        let smallest = self.0.iter().filter(holds).min_by_key(|item| item.end - item.start);
        smallest.into_iter().flat_map(|item| std::iter::once(item.start).chain(item.of))
    }
}
