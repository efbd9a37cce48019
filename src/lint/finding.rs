//! One finding, and many of them, each once.

use std::collections::HashMap;

use crate::allow::{Allows, hinted};
use crate::cell_name::CellName;
use crate::error::{Diagnostic, Diagnostics, Severity, Span};

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
    /// The numbers of those of one rule at one place.
    known: HashMap<(String, String), Vec<usize>>,
}

impl Finding {
    pub fn new(rule: impl Into<String>, told: Diagnostic) -> Self {
        Self { rule: rule.into(), url: None, told, cells: Vec::new() }
    }

    fn hinted(self) -> Self {
        Self { told: hinted(self.told, &self.rule), ..self }
    }

    /// Where it is.
    pub fn span(&self) -> Option<&Span> {
        self.told.labels.first().map(|label| &label.span)
    }
}

impl Findings {
    /// Adds a finding about a cell, or about none. One that is there already gets another cell: what
    /// a rule finds at one place is told once, whatever the values that the cells put there. What it
    /// finds there twice in one cell are two findings.
    pub fn add(&mut self, finding: Finding, cell: Option<&CellName>) {
        let place = match finding.span() {
            // Cheaper than its line, which has to be counted.
            Some(span) => format!("{}@{}", span.file.name(), span.start),
            None => finding.told.message.clone(),
        };
        let there = self.known.entry((finding.rule.clone(), place)).or_default();
        let has_cell = |number: &&usize| cell.is_some() && self.list[**number].cells.last() == cell;
        let same = |number: &&usize| self.list[**number].told.message == finding.told.message;
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

    /// Adds what parsing and planning said. Each keeps its own place: two of one rule may be at one.
    pub fn told(&mut self, diagnostics: &Diagnostics) {
        for told in diagnostics.iter() {
            let rule = told.rule.unwrap_or(match told.severity {
                Severity::Error => "error",
                Severity::Warning | Severity::Note => "warning",
            });
            if !self.list.iter().any(|known| known.told == *told) {
                self.list.push(Finding::new(rule, told.clone()));
            }
        }
    }

    /// Takes out what is acknowledged, and says of the rest how to do so.
    pub fn acknowledge(&mut self, allows: &mut Allows) {
        self.known.clear();
        let is_open = |finding: &Finding| {
            let span = finding.span();
            !span.is_some_and(|span| allows.cover(&finding.rule, span))
        };
        let list = std::mem::take(&mut self.list).into_iter().filter(is_open);
        self.list = list.map(Finding::hinted).collect();
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// How many there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.told.severity == severity).count()
    }
}
