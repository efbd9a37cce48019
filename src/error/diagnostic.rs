//! An error, warning or note about a file that the user wrote.

use std::fmt;

use super::source::{COMMAND_LINE, Span};
use super::suggest::nearest;

/// How bad it is. A warning does not stop the command; a note needs no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// A place in a file, with an optional text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    /// May be empty: then only the carets are shown.
    pub text: String,
}

/// One finding. The first label is its place; further labels show related places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The rule that it breaks, such as `unused-context`, by which it can be acknowledged. `None`
    /// if it cannot be acknowledged.
    pub rule: Option<&'static str>,
    pub message: String,
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    pub help: Option<String>,
}

/// Findings in the order in which they were found, without duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message.into())
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message.into())
    }

    /// Something worth knowing that needs no action.
    pub fn remark(message: impl Into<String>) -> Self {
        Self::new(Severity::Note, message.into())
    }

    fn new(severity: Severity, message: String) -> Self {
        Self { severity, rule: None, message, labels: Vec::new(), notes: Vec::new(), help: None }
    }

    /// Names the rule, which is shown in brackets: `warning[unused-context]: …`.
    pub fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Points at `span`, with `text` beside the carets.
    pub fn at(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span: span.clone(), text: text.into() });
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What to do about it; a second call replaces the help.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a help line with the nearest of `known`, if one is near enough.
    pub fn help_nearest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(name, known) {
            Some(meant) => self.help(format!("did you mean `{meant}`?")),
            None => self,
        }
    }
}

impl Diagnostics {
    /// Adds a finding, unless the same finding about the same place is already present: many cells
    /// share one template, and many templates may include the same file.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        // Duplicates come from the next cell, so comparing with the last few is enough.
        const COMPARED: usize = 200;
        let same = |other: &Diagnostic| {
            other.message == diagnostic.message
                && other.labels == diagnostic.labels
                && (!diagnostic.labels.is_empty() || other.notes == diagnostic.notes)
        };
        if !self.0.iter().rev().take(COMPARED).any(same) {
            self.0.push(diagnostic);
        }
    }

    pub fn extend(&mut self, others: Diagnostics) {
        others.0.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are warnings; notes do not count.
    pub fn has_warnings(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Warning)
    }

    /// Puts `span` before the places of the errors: they are there because of what it shows.
    #[must_use]
    pub(crate) fn caused_at(mut self, span: &Span) -> Self {
        for finding in self.0.iter_mut().filter(|one| one.severity == Severity::Error) {
            finding.labels.insert(0, Label { span: span.clone(), text: String::new() });
        }
        self
    }

    /// Whether the command line is the place of all errors.
    pub(super) fn is_usage(&self) -> bool {
        let mut errors = self.0.iter().filter(|one| one.severity == Severity::Error).peekable();
        let is_flag = |label: &Label| **label.span.file.name() == *COMMAND_LINE;
        errors.peek().is_some() && errors.all(|one| one.labels.first().is_some_and(is_flag))
    }

    /// Sorts them by place; those without a place come first.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by(|left, right| place(left).cmp(&place(right)));
    }

    /// Turns every warning into an error, for `--strict`.
    pub fn into_errors(mut self) -> Self {
        let warnings = self.0.iter_mut().filter(|one| one.severity == Severity::Warning);
        warnings.for_each(|diagnostic| diagnostic.severity = Severity::Error);
        self
    }

    /// Returns `value`, or all findings if one of them is an error; otherwise they stay here as
    /// warnings.
    pub(crate) fn check<T>(&mut self, value: T) -> Result<T, Diagnostics> {
        if self.has_errors() { Err(std::mem::take(self)) } else { Ok(value) }
    }
}

fn place(diagnostic: &Diagnostic) -> Option<(&str, usize)> {
    diagnostic.labels.first().map(|label| (&**label.span.file.name(), label.span.start))
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Rendered without colour.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
