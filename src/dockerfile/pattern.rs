//! Shell patterns as in BuildKit: `*`, `?` and escapes, without brackets.

use super::lex::Unexpanded;

/// Whether a wildcard is greedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Longest {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    One(char),
    Any,
    Many,
}

/// The maximum number of steps of a comparison.
const MAX_STEPS: usize = 1 << 24;

fn tokens(pattern: &str) -> Result<Vec<Token>, Unexpanded> {
    let mut chars = pattern.chars().peekable();
    let mut found = Vec::new();
    while let Some(c) = chars.next() {
        found.push(match c {
            '*' => Token::Many,
            '?' => Token::Any,
            '\\' => match chars.next() {
                // These two are escaped for `${X/…/…}`.
                Some(c @ ('}' | '/' | '*' | '?' | '\\')) => Token::One(c),
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    let why =
                        format!("`\\{other}` is not a valid escape in the pattern `{pattern}`");
                    return Err(Unexpanded::Invalid(why));
                }
            },
            c => Token::One(c),
        });
    }
    Ok(found)
}

/// The length of the prefix of `value` that matches, if any.
fn prefix(tokens: &[Token], value: &[char], longest: Longest) -> Option<usize> {
    // The positions at which a match of the tokens so far can end.
    let mut ends = vec![false; value.len() + 1];
    ends[0] = true;
    for token in tokens {
        let mut next = vec![false; value.len() + 1];
        match token {
            // Wildcards do not match line ends.
            Token::Many => {
                let mut open = false;
                for at in 0..=value.len() {
                    open = ends[at] || (open && value[at - 1] != '\n');
                    next[at] = open;
                }
            }
            Token::Any | Token::One(_) => {
                for (at, c) in value.iter().enumerate() {
                    let fits = match token {
                        Token::One(wanted) => c == wanted,
                        _ => *c != '\n',
                    };
                    next[at + 1] = ends[at] && fits;
                }
            }
        }
        ends = next;
    }
    match longest {
        Longest::Yes => ends.iter().rposition(|end| *end),
        Longest::No => ends.iter().position(|end| *end),
    }
}

pub(super) fn without_prefix(
    pattern: &str,
    value: &str,
    longest: Longest,
) -> Result<String, Unexpanded> {
    let (tokens, value) = (tokens(pattern)?, value.chars().collect::<Vec<_>>());
    bounded(tokens.len(), value.len(), 1)?;
    let length = prefix(&tokens, &value, longest).unwrap_or(0);
    Ok(value[length..].iter().collect())
}

pub(super) fn without_suffix(
    pattern: &str,
    value: &str,
    longest: Longest,
) -> Result<String, Unexpanded> {
    let (mut tokens, mut value) = (tokens(pattern)?, value.chars().collect::<Vec<_>>());
    bounded(tokens.len(), value.len(), 1)?;
    // A suffix is a prefix of the reversed value.
    tokens.reverse();
    value.reverse();
    let length = prefix(&tokens, &value, longest).unwrap_or(0);
    Ok(value[length..].iter().rev().collect())
}

/// `value` with the first match of `pattern`, or all matches, replaced.
pub(super) fn replaced(
    pattern: &str,
    value: &str,
    word: &str,
    all: bool,
) -> Result<String, Unexpanded> {
    let (tokens, value) = (tokens(pattern)?, value.chars().collect::<Vec<_>>());
    bounded(tokens.len(), value.len(), value.len())?;
    if all && word.contains('$') {
        // BuildKit interprets `$1` here as a group of a regular expression.
        return Err(Unexpanded::Unknown);
    }
    let mut out = String::new();
    let mut at = 0;
    // An empty match directly after another match does not count.
    let mut last = None;
    while at <= value.len() {
        match prefix(&tokens, &value[at..], Longest::Yes) {
            Some(length) if length > 0 || last != Some(at) => {
                out += word;
                last = Some(at + length);
                if !all {
                    out.extend(&value[at + length..]);
                    return Ok(out);
                }
                if length > 0 {
                    at += length;
                    continue;
                }
            }
            _ => {}
        }
        out.extend(value.get(at));
        at += 1;
    }
    Ok(out)
}

fn bounded(tokens: usize, value: usize, starts: usize) -> Result<(), Unexpanded> {
    let steps = (tokens + 1).saturating_mul(value + 1).saturating_mul(starts + 1);
    if steps > MAX_STEPS { Err(Unexpanded::Unknown) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_match_buildkit() {
        for (pattern, value, word, all, wanted) in [
            ("", "ab", "-", true, "-a-b-"),
            ("", "ab", "-", false, "-ab"),
            ("*", "ab", "x", true, "x"),
            ("a*", "abab", "x", true, "x"),
            ("b", "abab", "", true, "aa"),
            ("ä", "aäö", "ae", false, "aaeö"),
            (".", "", "x", true, ""),
        ] {
            assert_eq!(replaced(pattern, value, word, all).unwrap(), wanted, "{pattern} {value}");
        }
    }

    #[test]
    fn a_wildcard_is_lazy_or_greedy() {
        for (pattern, value, short, long) in [
            ("*a", "banana", "nana", ""),
            ("*a*a", "banana", "na", ""),
            ("?an", "banana", "ana", "ana"),
            ("x*", "banana", "banana", "banana"),
            ("*", "a\nb", "a\nb", "\nb"),
        ] {
            let found = |longest| without_prefix(pattern, value, longest).unwrap();
            assert_eq!((&*found(Longest::No), &*found(Longest::Yes)), (short, long), "{pattern}");
        }
    }
}
