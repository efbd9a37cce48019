//! Acknowledgements: `# onebuild: allow RULE, RULE (reason)`, on the line of a finding, or in the
//! comment above it.

use std::collections::HashMap;

use super::{Hit, RULES};
use crate::error::{Diagnostic, SourceFile, Span, listed};
use crate::lint::{Finding, Findings};

/// Acknowledgements in one file; a person has written far fewer.
const MOST: usize = 200;

const FORM: &str = "write `# onebuild: allow docker-socket (why it is needed)`";

/// The acknowledgements of a file.
pub(super) struct Allows {
    all: Vec<Allow>,
    /// By rule and line.
    known: HashMap<(&'static str, usize), Vec<usize>>,
    lines: Lines,
}

struct Allow {
    rule: &'static str,
    /// The rule's name in the comment.
    span: Span,
    used: bool,
}

/// Where the lines of a file end: a file of many findings is not counted through for each.
struct Lines(Vec<usize>);

/// Reads the comments that are meant for us; those that are written wrongly become findings.
pub(super) fn read(file: &SourceFile, comments: &[Span], findings: &mut Findings) -> Allows {
    let lines = Lines::of(file);
    let mut allows = Allows { all: Vec::new(), known: HashMap::new(), lines };
    let parsed = comments.iter().filter_map(|comment| Some((comment, parse(comment)?)));
    for (comment, parsed) in parsed.take(MOST) {
        let mut wrong = |told: Diagnostic| findings.add(Finding::new("wrong-allow", told), None);
        let names = match parsed {
            Ok(names) => names,
            Err(told) => {
                wrong(told);
                continue;
            }
        };
        let line = allows.lines.meant(comment);
        for (name, span) in names {
            let Some((rule, _)) = RULES.iter().find(|(rule, _)| *rule == name) else {
                wrong(unknown(&name, &span));
                continue;
            };
            if let Some(line) = line {
                allows.known.entry((*rule, line)).or_default().push(allows.all.len());
            }
            allows.all.push(Allow { rule, span, used: false });
        }
    }
    allows
}

impl Allows {
    /// Whether a finding is acknowledged.
    pub(super) fn cover(&mut self, hit: &Hit) -> bool {
        let mut covered = false;
        for start in [hit.span.start, hit.item.start] {
            let here = self.known.get(&(hit.rule, self.lines.number(start)));
            for index in here.into_iter().flatten() {
                self.all[*index].used = true;
                covered = true;
            }
        }
        covered
    }

    /// A finding for each that acknowledges nothing.
    pub(super) fn unused(&self, findings: &mut Findings) {
        for allow in self.all.iter().filter(|allow| !allow.used) {
            let message = format!("nothing that `{}` is about stands here", allow.rule);
            let help = "take the comment out, or put it on the line of the finding or above it";
            let told = Diagnostic::warning(message).at(&allow.span, "").help(help);
            findings.add(Finding::new("unused-allow", told), None);
        }
    }
}

/// The rules that a comment names, with their places; none where it is not meant for us.
fn parse(comment: &Span) -> Option<Result<Vec<(String, Span)>, Diagnostic>> {
    let text = comment.text();
    let body = text.trim_start_matches('#').trim_start();
    let rest = body.strip_prefix("onebuild")?;
    let wanted = rest.trim_start_matches(':').trim_start();
    // Prose may begin with the program's name.
    if !rest.starts_with(':') && !wanted.starts_with("allow") {
        return None;
    }
    let wrong = |message: &str| Some(Err(Diagnostic::warning(message).at(comment, "").help(FORM)));
    let names = match wanted.strip_prefix("allow") {
        Some(names) if rest.starts_with(':') && names.starts_with([' ', '\t']) => names,
        _ => return wrong("this is no acknowledgement"),
    };
    let (names, reason) = names.split_once('(').unwrap_or((names, ""));
    let reason = reason.trim_end().strip_suffix(')').unwrap_or_default();
    if names.trim().is_empty() {
        return wrong("this acknowledges no rule");
    }
    if !reason.chars().any(char::is_alphanumeric) {
        return wrong("this gives no reason, and so acknowledges nothing");
    }
    let start = names.as_ptr() as usize - text.as_ptr() as usize;
    let mut found = Vec::new();
    let mut at = start;
    for name in names.split(',') {
        let indent = name.len() - name.trim_start().len();
        let trimmed = name.trim();
        let range = at + indent..at + indent + trimmed.len();
        found.push((trimmed.to_owned(), comment.part(range)));
        at += name.len() + 1;
    }
    Some(Ok(found))
}

fn unknown(name: &str, span: &Span) -> Diagnostic {
    let rules = || RULES.iter().map(|(rule, _)| *rule);
    Diagnostic::warning(format!("there is no rule `{name}`"))
        .at(span, "")
        .help(format!("rules: {}", listed(rules())))
        .help_nearest(name, rules())
}

impl Lines {
    fn of(file: &SourceFile) -> Self {
        Self(file.text().match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of the byte at `offset`, from 1.
    fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }

    /// The line that a comment speaks of: its own, or the next one that is no comment where it
    /// stands alone.
    fn meant(&self, comment: &Span) -> Option<usize> {
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
