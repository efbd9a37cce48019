//! Findings, without duplicates.

use std::collections::HashMap;

use crate::allow::{Allows, hinted};
use crate::cell_name::CellName;
use crate::error::{Diagnostic, Diagnostics, Severity, Span};

/// A finding for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the rule: `unpinned-base`; BuildKit's own rules keep their names.
    pub rule: String,
    /// The URL of the rule's documentation.
    pub url: Option<String>,
    pub diagnostic: Diagnostic,
    /// The affected cells; empty if it is about the matrix itself.
    pub cells: Vec<CellName>,
}

/// Findings in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    /// The indexes of the findings of one rule at one place.
    known: HashMap<(String, String), Vec<usize>>,
}

impl Finding {
    pub fn new(rule: impl Into<String>, diagnostic: Diagnostic) -> Self {
        Self { rule: rule.into(), url: None, diagnostic, cells: Vec::new() }
    }

    fn hinted(self) -> Self {
        Self { diagnostic: hinted(self.diagnostic, &self.rule), ..self }
    }

    /// Its place.
    pub fn span(&self) -> Option<&Span> {
        self.diagnostic.labels.first().map(|label| &label.span)
    }
}

impl Findings {
    /// Adds a finding about a cell, or about none. Findings of one rule at one place in different
    /// cells are merged into one, whatever the values of the cells. Two of them in one cell are two
    /// findings.
    pub fn add(&mut self, finding: Finding, cell: Option<&CellName>) {
        let place = match finding.span() {
            // Cheaper than the line, which must be counted.
            Some(span) => format!("{}@{}", span.file.name(), span.start),
            None => finding.diagnostic.message.clone(),
        };
        let there = self.known.entry((finding.rule.clone(), place)).or_default();
        let has_cell = |number: &&usize| cell.is_some() && self.list[**number].cells.last() == cell;
        let same =
            |number: &&usize| self.list[**number].diagnostic.message == finding.diagnostic.message;
        let own = there.iter().find(|number| has_cell(number) && same(number));
        let others = || there.iter().filter(|number| !has_cell(number));
        let known = own.or_else(|| others().find(same)).or_else(|| others().next()).copied();
        let number = known.unwrap_or_else(|| {
            there.push(self.list.len());
            self.list.push(finding);
            self.list.len() - 1
        });
        let cells = &mut self.list[number].cells;
        if let Some(cell) = cell.filter(|cell| cells.last() != Some(cell)) {
            cells.push(cell.clone());
        }
    }

    /// Adds findings of parsing and planning. These are not merged: there can be two of one rule at
    /// one place.
    pub fn extend(&mut self, diagnostics: &Diagnostics) {
        for diagnostic in diagnostics.iter() {
            let rule = diagnostic.rule.unwrap_or(match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning | Severity::Note => "warning",
            });
            if !self.list.iter().any(|known| known.diagnostic == *diagnostic) {
                self.list.push(Finding::new(rule, diagnostic.clone()));
            }
        }
    }

    /// Removes acknowledged findings, and adds a hint about acknowledgement to the others.
    pub fn acknowledge(&mut self, allows: &mut Allows) {
        self.known.clear();
        let is_open = |finding: &Finding| {
            let span = finding.span();
            !span.is_some_and(|span| allows.cover(&finding.rule, span))
        };
        let list = std::mem::take(&mut self.list).into_iter().filter(is_open);
        self.list = list.map(Finding::hinted).collect();
    }

    /// Turns every warning into an error, for `--strict`.
    #[must_use]
    pub fn into_errors(mut self) -> Self {
        for finding in &mut self.list {
            if finding.diagnostic.severity == Severity::Warning {
                finding.diagnostic.severity = Severity::Error;
            }
        }
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// The number of findings with a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.diagnostic.severity == severity).count()
    }
}
