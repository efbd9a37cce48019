//! Collects acknowledgements of many files and tracks which are used.

use std::collections::HashMap;
use std::sync::Arc;

use super::comment;
use super::lines::{Items, Lines};
use super::rules::{self, Judged, RULES, UNUSED_ALLOW};
use crate::error::{Diagnostic, Diagnostics, Severity, SourceFile, Span, listed};
use crate::yaml::Node;

/// Maximum acknowledgements in one file; real files have far fewer.
const MAX_PER_FILE: usize = 200;

const FORM: &str = "write `# onebuild: allow RULE (reason)`";

/// The acknowledgements of the files that a command reads.
#[derive(Debug, Clone, Default)]
pub struct Allows {
    all: Vec<Allow>,
    /// By rule, file and line.
    known: HashMap<(String, Arc<str>, usize), Vec<usize>>,
    /// YAML files with acknowledgements, by name.
    files: HashMap<Arc<str>, (Lines, Items)>,
    wrong: Diagnostics,
}

/// A rule that a comment acknowledges.
#[derive(Debug, Clone)]
struct Allow {
    rule: String,
    /// The place of the rule's name in the comment.
    span: Span,
    used: bool,
    /// The comment also allows `unused-allow`: another matrix may need it.
    spare: bool,
}

/// The rules that a command has applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub lint: bool,
    pub engine: bool,
}

impl Allows {
    /// Adds the acknowledgements of a YAML file.
    pub(crate) fn read(&mut self, file: &SourceFile, comments: &[Span], root: &Node) {
        let ours = comments.iter().filter(|comment| comment::parse(comment.text()).is_some());
        let ours: Vec<&Span> = ours.take(MAX_PER_FILE).collect();
        if ours.is_empty() {
            return;
        }
        let lines = Lines::of(file);
        for comment in ours {
            let line = lines.meant(comment);
            self.add(
                comment,
                &line.map(|line| (file.name().clone(), line)).into_iter().collect::<Vec<_>>(),
            );
        }
        self.files.insert(file.name().clone(), (lines, Items::of(root)));
    }

    /// Adds a comment that belongs to these lines.
    pub(crate) fn add(&mut self, comment: &Span, places: &[(Arc<str>, usize)]) {
        let names = match comment::parse(comment.text()) {
            None => return,
            Some(Err(message)) => {
                let diagnostic = Diagnostic::warning(message).at(comment, "").help(FORM);
                return self.wrong.push(diagnostic.rule("wrong-allow"));
            }
            Some(Ok(names)) => names,
        };
        let spare = names.iter().any(|(name, _)| *name == UNUSED_ALLOW);
        for (name, range) in names {
            let span = comment.part(range);
            if rules::find(name).is_none() && !rules::is_buildkit(name) {
                self.wrong.push(unknown(name, &span));
                continue;
            }
            // Many cells share a template: its comments are read several times.
            let number = match self.all.iter().position(|known| known.span == span) {
                Some(number) => number,
                None => {
                    let rule = rules::ours(name).to_owned();
                    self.all.push(Allow { rule, span, used: name == UNUSED_ALLOW, spare });
                    self.all.len() - 1
                }
            };
            for (file, line) in places {
                let key = (rules::ours(name).to_owned(), file.clone(), *line);
                let there = self.known.entry(key).or_default();
                if !there.contains(&number) {
                    there.push(number);
                }
            }
        }
    }

    /// Whether the finding of `rule` at `span` is acknowledged; marks the acknowledgement as used.
    pub fn cover(&mut self, rule: &str, span: &Span) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let name = span.file.name();
        let lines: Vec<usize> = match self.files.get(name) {
            Some((lines, items)) => {
                let starts = std::iter::once(span.start).chain(items.around(span));
                starts.map(|start| lines.number(start)).collect()
            }
            None => vec![span.file.line_of(span.start)],
        };
        let mut covered = false;
        for line in lines {
            let key = (rules::ours(rule).to_owned(), name.clone(), line);
            for number in self.known.get(&key).into_iter().flatten() {
                self.all[*number].used = true;
                covered = true;
            }
        }
        covered
    }

    /// Returns the diagnostics that are not acknowledged, each with a hint about acknowledgement.
    pub fn filter(&mut self, found: Diagnostics) -> Diagnostics {
        let mut left = Diagnostics::default();
        for diagnostic in found.into_iter().filter(|diagnostic| !self.covers(diagnostic)) {
            let rule = diagnostic.rule.unwrap_or_default();
            left.push(hinted(diagnostic, rule));
        }
        left
    }

    fn covers(&mut self, diagnostic: &Diagnostic) -> bool {
        match (diagnostic.rule, diagnostic.labels.first()) {
            (Some(rule), Some(label)) => self.cover(rule, &label.span),
            _ => false,
        }
    }

    /// Errors in the acknowledgements themselves.
    pub fn wrong(&self) -> &Diagnostics {
        &self.wrong
    }

    /// A warning for each acknowledgement without a finding, if its rule was applied.
    pub fn unused(&self, asked: Asked) -> Diagnostics {
        let mut unused = Diagnostics::default();
        let is_judged = |allow: &&Allow| match rules::find(&allow.rule).map(|rule| rule.judged) {
            Some(Judged::Always | Judged::Compose) => true,
            Some(Judged::Lint) => asked.lint,
            Some(Judged::Engine) => false,
            None => asked.lint && asked.engine,
        };
        let idle = self.all.iter().filter(|allow| !allow.used && !allow.spare);
        for allow in idle.filter(is_judged) {
            let message = format!("`{}` has no finding here to acknowledge", allow.rule);
            let help = "remove the comment, or move it to the line of the finding or above it";
            let diagnostic = Diagnostic::warning(message).at(&allow.span, "").help(help);
            unused.push(diagnostic.rule(UNUSED_ALLOW));
        }
        unused
    }
}

/// Adds a hint about acknowledgement to a finding of `rule`, if possible.
pub(crate) fn hinted(diagnostic: Diagnostic, rule: &str) -> Diagnostic {
    let is_own = matches!(rule, UNUSED_ALLOW | "wrong-allow");
    let is_open = !diagnostic.labels.is_empty() && diagnostic.severity != Severity::Note && !is_own;
    if !is_open || rules::find(rule).is_none() {
        return diagnostic;
    }
    let how = format!("cknowledge it with `# onebuild: allow {rule} (reason)`");
    let help = match &diagnostic.help {
        Some(question) if question.ends_with('?') => format!("{question} Or a{how}"),
        Some(help) => format!("{help}; or a{how}"),
        None => format!("a{how}"),
    };
    diagnostic.help(help)
}

fn unknown(name: &str, span: &Span) -> Diagnostic {
    let names = || RULES.iter().map(|rule| rule.name);
    Diagnostic::warning(format!("there is no rule `{name}`"))
        .at(span, "")
        .rule("wrong-allow")
        .help(format!("rules: {}", listed(names())))
        .help_nearest(name, names())
}
