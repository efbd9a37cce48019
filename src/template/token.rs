//! Splits expressions into tokens.

use std::ops::Range;

use super::source::Source;
use crate::error::Diagnostic;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    /// A quoted string, or a number as written.
    Text(String),
    Sign(&'static str),
}

/// Longest first, so that `<=` does not match as `<`.
const SIGNS: [&str; 13] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", "|", "."];

pub(super) fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(super) fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The tokens of `range` with their places in the source.
pub(super) fn tokens(
    source: &Source,
    range: Range<usize>,
) -> Result<Vec<(Token, Range<usize>)>, Box<Diagnostic>> {
    let text = &source.text()[..range.end];
    let mut found = Vec::new();
    let mut at = range.start;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = if is_name_start(first) {
            let length = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
            (Token::Name(rest[..length].to_owned()), length)
        } else if first.is_ascii_digit() {
            // A version is one token: `2.0.10`, `3.20`. `1.2-rc1` needs quotes.
            let mut length =
                rest.find(|c: char| !is_name_part(c) && c != '.').unwrap_or(rest.len());
            length = rest[..length].trim_end_matches('.').len();
            (Token::Text(rest[..length].to_owned()), length)
        } else if matches!(first, '"' | '\'') {
            let Some(length) = rest[1..].find(first) else {
                let span = source.span(at..range.end);
                let wrong = Diagnostic::error("the quoted string is not closed")
                    .at(&span, format!("no closing `{first}`"));
                return Err(Box::new(source.or_foreign(wrong)));
            };
            (Token::Text(rest[1..=length].to_owned()), length + 2)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            let span = source.span(at..at + first.len_utf8());
            let wrong = Diagnostic::error(format!("unexpected `{first}` in an expression"));
            return Err(Box::new(source.or_foreign(match first {
                '=' => wrong.at(&span, "").help("to compare, write `==`"),
                '&' => wrong.at(&span, "").help("write `and`"),
                '!' => wrong.at(&span, "").help("write `not`"),
                '-' => wrong.at(&span, "").help("a string with a dash needs quotes"),
                _ => wrong.at(&span, ""),
            })));
        };
        found.push((token, at..at + length));
        at += length;
    }
    Ok(found)
}
