//! Source files and places in them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A text file in memory; cheap to clone.
#[derive(Clone)]
pub struct SourceFile(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    text: String,
    /// Where each line starts.
    lines: Vec<usize>,
}

/// The file name of flags in errors.
pub(crate) const COMMAND_LINE: &str = "command line";

/// A range of bytes in a file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Span {
    pub file: SourceFile,
    pub start: usize,
    pub end: usize,
}

impl SourceFile {
    /// `name` is the path as the user would write it from the current directory.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self(Arc::new(Inner { name: name.into(), text, lines }))
    }

    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The place of `range`, clipped to the text and extended to whole characters.
    pub fn span(&self, range: Range<usize>) -> Span {
        let text = self.text();
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Span { file: self.clone(), start, end }
    }

    /// The range of line `number` (from 1), without its line end.
    pub(crate) fn line_range(&self, number: usize) -> Option<Range<usize>> {
        let start = *self.0.lines.get(number.saturating_sub(1))?;
        let rest = &self.text()[start..];
        let line = rest.split('\n').next().unwrap_or_default();
        Some(start..start + line.strip_suffix('\r').unwrap_or(line).len())
    }

    /// The line of the byte at `offset`, from 1.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.0.lines.partition_point(|start| *start <= offset).max(1)
    }
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.name() == other.name() && self.text() == other.text())
    }
}

impl Eq for SourceFile {}

/// Hashes the name alone: hashing the text takes too long.
impl Hash for SourceFile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// Shows the name alone: debug output should not contain whole files.
impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({})", self.name())
    }
}

impl Span {
    /// The text at this place.
    pub fn text(&self) -> &str {
        &self.file.text()[self.start..self.end]
    }

    /// Line and column in characters, both counted from 1.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.file.text()[..self.start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (self.file.line_of(self.start), before[line_start..].chars().count() + 1)
    }

    /// A part of this place; `range` is relative to its start.
    pub fn part(&self, range: Range<usize>) -> Span {
        self.file.span(self.start + range.start..self.start + range.end)
    }
}

/// `file:line:column`, which editors and terminals turn into a link.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.file.name())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_right_in_multi_byte_text_and_at_the_end() {
        let file = SourceFile::new("f", "größe: 1\r\nx: é");
        for (start, line, column) in [(0, 1, 1), (7, 1, 6), (12, 2, 1), (15, 2, 4), (17, 2, 5)] {
            assert_eq!(file.span(start..start).line_column(), (line, column), "{start}");
        }
        assert_eq!(&file.text()[file.line_range(1).unwrap()], "größe: 1");
        assert_eq!(&file.text()[file.line_range(2).unwrap()], "x: é");
        assert_eq!(file.line_range(3), None);
    }

    #[test]
    fn a_span_never_cuts_a_character_or_leaves_the_text() {
        let file = SourceFile::new("f", "é");
        assert_eq!(file.span(1..1).text(), "é");
        assert_eq!(file.span(5..9).text(), "");
    }
}
