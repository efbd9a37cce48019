//! Acknowledgements: `# onebuild: allow RULE, RULE (reason)`, on the line of a finding, or in the
//! comment above it.

use super::{Hit, RULES};
use crate::error::{Diagnostic, Span, listed};
use crate::lint::{Finding, Findings};

const FORM: &str = "write `# onebuild: allow docker-socket (why it is needed)`";

/// The acknowledgements of a file.
pub(super) struct Allows(Vec<Allow>);

struct Allow {
    rule: &'static str,
    /// The rule's name in the comment.
    span: Span,
    /// The line, from 1, that it speaks of.
    line: Option<usize>,
    used: bool,
}

/// Reads the comments that are meant for us; those that are written wrongly become findings.
pub(super) fn read(comments: &[Span], findings: &mut Findings) -> Allows {
    let mut allows = Vec::new();
    for comment in comments {
        let Some(parsed) = parse(comment) else { continue };
        let mut wrong = |told: Diagnostic| findings.add(Finding::new("wrong-allow", told), None);
        match parsed {
            Err(told) => wrong(told),
            Ok(names) => {
                let line = line(comment);
                for (name, span) in names {
                    match RULES.iter().find(|(rule, _)| *rule == name) {
                        Some((rule, _)) => allows.push(Allow { rule, span, line, used: false }),
                        None => wrong(unknown(&name, &span)),
                    }
                }
            }
        }
    }
    Allows(allows)
}

impl Allows {
    /// Whether a finding is acknowledged.
    pub(super) fn cover(&mut self, hit: &Hit) -> bool {
        let lines = [&hit.span, &hit.item].map(|span| Some(span.file.line_of(span.start)));
        let mut covered = false;
        for allow in self.0.iter_mut().filter(|allow| allow.rule == hit.rule) {
            if lines.contains(&allow.line) {
                (allow.used, covered) = (true, true);
            }
        }
        covered
    }

    /// A finding for each that acknowledges nothing.
    pub(super) fn unused(&self, findings: &mut Findings) {
        for allow in self.0.iter().filter(|allow| !allow.used) {
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

/// The line that a comment speaks of: its own, or the next one that is no comment where it stands
/// alone.
fn line(comment: &Span) -> Option<usize> {
    let text = comment.file.text();
    let own = comment.file.line_of(comment.start);
    let begin = text[..comment.start].rfind('\n').map_or(0, |end| end + 1);
    if !text[begin..comment.start].trim().is_empty() {
        return Some(own);
    }
    let mut next = text[begin..].lines().zip(own..).skip(1);
    next.find(|(line, _)| !line.trim_start().starts_with('#'))
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(_, number)| number)
}
