//! The acknowledgements of many files, and which of them are used.

use std::collections::HashMap;
use std::sync::Arc;

use super::comment;
use super::lines::{Items, Lines};
use super::rules::{self, Judged, RULES, UNUSED_ALLOW};
use crate::error::{Diagnostic, Diagnostics, Severity, SourceFile, Span, listed};
use crate::yaml::Node;

/// Acknowledgements in one file; a person has written far fewer.
const MOST: usize = 200;

const FORM: &str = "write `# onebuild: allow RULE (why it is as it should be)`";

/// The acknowledgements of the files that a command reads.
#[derive(Debug, Clone, Default)]
pub struct Allows {
    all: Vec<Allow>,
    /// By rule, file and line.
    known: HashMap<(String, Arc<str>, usize), Vec<usize>>,
    /// YAML files with acknowledgements, by their names.
    files: HashMap<Arc<str>, (Lines, Items)>,
    wrong: Diagnostics,
}

/// A rule that a comment acknowledges.
#[derive(Debug, Clone)]
struct Allow {
    rule: String,
    /// The rule's name in the comment.
    span: Span,
    used: bool,
    /// The comment says that it may be unused: another matrix may need it.
    spare: bool,
}

/// Which rules a command has applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    pub lint: bool,
    pub engine: bool,
}

impl Allows {
    /// Takes the acknowledgements of a YAML file.
    pub(crate) fn read(&mut self, file: &SourceFile, comments: &[Span], root: &Node) {
        let ours = comments.iter().filter(|comment| comment::parse(comment.text()).is_some());
        let ours: Vec<&Span> = ours.take(MOST).collect();
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

    /// Takes a comment that speaks of these lines.
    pub(crate) fn add(&mut self, comment: &Span, places: &[(Arc<str>, usize)]) {
        let names = match comment::parse(comment.text()) {
            None => return,
            Some(Err(message)) => {
                let told = Diagnostic::warning(message).at(comment, "").help(FORM);
                return self.wrong.push(told.rule("wrong-allow"));
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
            // Many cells share a template: a comment is one however often it is read.
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

    /// Whether what `rule` finds at `span` is acknowledged.
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

    /// The diagnostics that are not acknowledged, each with how to do so.
    pub fn filter(&mut self, found: Diagnostics) -> Diagnostics {
        let mut left = Diagnostics::default();
        for told in found.into_iter().filter(|told| !self.covers(told)) {
            let rule = told.rule.unwrap_or_default();
            left.push(hinted(told, rule));
        }
        left
    }

    fn covers(&mut self, told: &Diagnostic) -> bool {
        match (told.rule, told.labels.first()) {
            (Some(rule), Some(label)) => self.cover(rule, &label.span),
            _ => false,
        }
    }

    /// What is wrong with the acknowledgements themselves.
    pub fn wrong(&self) -> &Diagnostics {
        &self.wrong
    }

    /// A warning for each that acknowledges nothing, as far as its rule was applied.
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
            let message = format!("`{}` finds nothing here to acknowledge", allow.rule);
            let help = "remove the comment, or put it on the line of the finding or above it";
            let told = Diagnostic::warning(message).at(&allow.span, "").help(help);
            unused.push(told.rule(UNUSED_ALLOW));
        }
        unused
    }
}

/// With how to acknowledge that it breaks `rule`, where that is possible.
pub(crate) fn hinted(told: Diagnostic, rule: &str) -> Diagnostic {
    let is_own = matches!(rule, UNUSED_ALLOW | "wrong-allow");
    let is_open = !told.labels.is_empty() && told.severity != Severity::Note && !is_own;
    if !is_open || rules::find(rule).is_none() {
        return told;
    }
    let how = format!("ay why it stays with `# onebuild: allow {rule} (reason)`");
    let help = match &told.help {
        Some(question) if question.ends_with('?') => format!("{question} Or s{how}"),
        Some(help) => format!("{help}; or s{how}"),
        None => format!("s{how}"),
    };
    told.help(help)
}

fn unknown(name: &str, span: &Span) -> Diagnostic {
    let names = || RULES.iter().map(|rule| rule.name);
    Diagnostic::warning(format!("there is no rule `{name}`"))
        .at(span, "")
        .rule("wrong-allow")
        .help(format!("rules: {}", listed(names())))
        .help_nearest(name, names())
}
