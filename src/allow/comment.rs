//! Parses one comment.

use std::ops::Range;

/// The names of rules in a comment, each with its byte range, or why it is invalid.
pub(super) type Parsed<'c> = Result<Vec<(&'c str, Range<usize>)>, &'static str>;

/// Parses a comment including its `#`; `None` if it is not for onebuild.
pub(super) fn parse(text: &str) -> Option<Parsed<'_>> {
    let body = text.trim_start_matches('#').trim_start();
    let rest = body.strip_prefix("onebuild")?;
    let wanted = rest.trim_start_matches(':').trim_start();
    // Normal comments can start with the program's name.
    if !rest.starts_with(':') && !wanted.starts_with("allow") {
        return None;
    }
    let names = match wanted.strip_prefix("allow") {
        Some(names) if rest.starts_with(':') && names.starts_with([' ', '\t']) => names,
        _ => return Some(Err("this is not a valid acknowledgement")),
    };
    let (names, reason) = names.split_once('(').unwrap_or((names, ""));
    let reason = reason.trim_end().strip_suffix(')').unwrap_or_default();
    if names.trim().is_empty() {
        return Some(Err("this acknowledgement has no rule"));
    }
    if !reason.chars().any(char::is_alphanumeric) {
        return Some(Err("this acknowledgement has no reason, so it has no effect"));
    }
    let mut at = text.len() - text[names.as_ptr() as usize - text.as_ptr() as usize..].len();
    let mut found = Vec::new();
    for name in names.split(',') {
        let indent = name.len() - name.trim_start().len();
        let trimmed = name.trim();
        found.push((trimmed, at + indent..at + indent + trimmed.len()));
        at += name.len() + 1;
    }
    Some(Ok(found))
}

/// Whether a comment acknowledges `rule` with a reason.
pub(crate) fn allowed(comment: &str, rule: &str) -> bool {
    let names = parse(comment).and_then(Result::ok).unwrap_or_default();
    names.iter().any(|(name, _)| *name == rule)
}
