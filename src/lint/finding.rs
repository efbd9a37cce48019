//! One finding, and many of them, each once.

use std::collections::HashMap;

use crate::error::{Diagnostic, Diagnostics, Severity, Span};
use crate::event::CellName;

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `unpinned-base`; BuildKit's own rules keep their names.
    pub rule: String,
    /// Where the rule is explained.
    pub url: Option<String>,
    pub told: Diagnostic,
    /// The cells that it concerns; empty where it is about the matrix itself.
    pub cells: Vec<CellName>,
}

/// Findings in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    /// What makes a finding the same as another, and its number.
    known: HashMap<(String, String), usize>,
}

impl Finding {
    pub fn new(rule: impl Into<String>, told: Diagnostic) -> Self {
        Self { rule: rule.into(), url: None, told, cells: Vec::new() }
    }

    /// Where it is.
    pub fn span(&self) -> Option<&Span> {
        self.told.labels.first().map(|label| &label.span)
    }
}

impl Findings {
    /// Adds a finding about a cell, or about none. One that is there already gets another cell: at
    /// one place a rule is told once, whatever the values that the cells put there.
    pub fn add(&mut self, finding: Finding, cell: Option<&CellName>) {
        let place = match finding.span() {
            // Cheaper than its line, which has to be counted.
            Some(span) => format!("{}@{}", span.file.name(), span.start),
            None => finding.told.message.clone(),
        };
        let number = *self.known.entry((finding.rule.clone(), place)).or_insert_with(|| {
            self.list.push(finding);
            self.list.len() - 1
        });
        let cells = &mut self.list[number].cells;
        if let Some(cell) = cell.filter(|cell| cells.last() != Some(cell)) {
            cells.push(cell.clone());
        }
    }

    /// Adds what parsing and planning said. Each keeps its own place: two of one rule may be at one.
    pub fn told(&mut self, diagnostics: &Diagnostics) {
        for told in diagnostics.iter() {
            let rule = match told.severity {
                Severity::Error => "error",
                Severity::Warning | Severity::Note => "warning",
            };
            if !self.list.iter().any(|known| known.told == *told) {
                self.list.push(Finding::new(rule, told.clone()));
            }
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.told.severity == severity).count()
    }
}
