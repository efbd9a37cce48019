//! Patterns for axis values in rules and flags: a value, a glob, a comparison of versions.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::range;
use crate::error::{Diagnostic, Span};
use crate::version;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A value, or a glob if it contains `*` or `?`.
    Glob(String),
    /// `2.0.5..2.0.9`.
    Range(HashSet<String>),
    /// All comparisons must be true: `>=2.0.5 <2.0.9`.
    Compare(Vec<(Sign, String)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

const SIGNS: [(&str, Sign); 7] = [
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("==", Sign::Equal),
    ("!=", Sign::Unequal),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("=", Sign::Equal),
];

impl Pattern {
    /// Whether `text` is a comparison, which may be wrong.
    pub(crate) fn is_comparison(text: &str) -> bool {
        text.starts_with(['<', '>', '=', '!'])
    }

    /// The error has no place yet.
    pub(crate) fn parse(text: &str) -> Result<Self, Box<Diagnostic>> {
        let wrong = |message, help: &str| Err(Box::new(Diagnostic::error(message).help(help)));
        if !Self::is_comparison(text) {
            return match text.contains("..") {
                true => Ok(Self::Range(range::values(text)?.into_iter().collect())),
                false => Ok(Self::Glob(text.to_owned())),
            };
        }
        let mut rest = text.trim();
        let mut comparisons = Vec::new();
        while !rest.is_empty() {
            let found =
                SIGNS.iter().find_map(|(sign, kind)| Some((*kind, rest.strip_prefix(sign)?)));
            let Some((sign, after)) = found else {
                let help = "compare with `<`, `<=`, `>`, `>=`, `==` or `!=`: `>=2.0.5 <2.0.9`";
                return wrong(format!("`{text}` is not a comparison"), help);
            };
            let after = after.trim_start();
            let end = after.find([' ', ',']).unwrap_or(after.len());
            let (value, next) = after.split_at(end);
            if !version::is_version(value) {
                let message = format!("`{value}` is not a version, so it cannot be compared");
                let help =
                    "compare with a version, such as `>=2.0.5`; list other values by their names";
                return wrong(message, help);
            }
            comparisons.push((sign, value.to_owned()));
            rest = next.trim_start_matches([' ', ',']);
        }
        Ok(Self::Compare(comparisons))
    }

    /// Whether it is a plain value instead of a glob, a range or a comparison.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Glob(text) if !text.contains(['*', '?']))
    }

    /// The version in the pattern that has no defined order with `value`.
    pub(crate) fn undecided(&self, value: &str) -> Option<&str> {
        let Self::Compare(comparisons) = self else { return None };
        let mut bounds = comparisons.iter().map(|(_, bound)| bound.as_str());
        let is_unknown = |bound: &&str| version::compare(value, bound).is_none();
        bounds.find(is_unknown).filter(|_| version::is_version(value))
    }

    pub(crate) fn matches(&self, value: &str) -> bool {
        match self {
            // Most patterns are plain, and many rules test many values.
            Self::Glob(text) if !text.contains(['*', '?']) => text == value,
            Self::Glob(glob) => glob_matches(glob, value),
            Self::Range(values) => values.contains(value),
            // A string that is not a version is neither older nor newer.
            Self::Compare(comparisons) => {
                let holds = |(sign, wanted): &(Sign, String)| match version::compare(value, wanted)
                {
                    Some(order) => sign.holds(order),
                    None => *sign == Sign::Unequal && version::is_version(value),
                };
                comparisons.iter().all(holds)
            }
        }
    }
}

/// Warns if two of `patterns`, of which one must match, match every version: `>=1.9` or `<2`. Written so, two
/// bounds select nothing.
pub(crate) fn always_true(patterns: &[Pattern], span: &Span) -> Option<Diagnostic> {
    let single = |pattern: &'_ Pattern| match pattern {
        Pattern::Compare(comparisons) if comparisons.len() == 1 => Some(comparisons[0].clone()),
        _ => None,
    };
    let bounds: Vec<(Sign, String)> = patterns.iter().filter_map(single).collect();
    let pairs = bounds.iter().enumerate().flat_map(|(at, one)| {
        bounds
            .iter()
            .enumerate()
            .filter(move |(other, _)| *other != at)
            .map(move |(_, two)| (one, two))
    });
    let (one, two) =
        pairs.into_iter().find(|(one, two)| one.0.covers_with(&one.1, two.0, &two.1))?;
    let (one, two) = (one.0.before(&one.1), two.0.before(&two.1));
    let finding = Diagnostic::warning(format!("every version is `{one}` or `{two}`"));
    Some(finding.at(span, "").help(format!("if both must be true, write one text: `{one} {two}`")))
}

impl Sign {
    /// The comparison with `version`, as it is written.
    fn before(self, version: &str) -> String {
        let written = SIGNS.iter().find(|(_, sign)| *sign == self).map_or("", |(text, _)| text);
        format!("{written}{version}")
    }

    /// Whether each version is `self own` or `other its`. The reverse order is another question.
    fn covers_with(self, own: &str, other: Self, its: &str) -> bool {
        let Some(order) = version::compare(own, its) else { return false };
        let is_lower = matches!(self, Self::Greater | Self::GreaterOrEqual);
        let is_upper = matches!(other, Self::Less | Self::LessOrEqual);
        let touch = self == Self::GreaterOrEqual || other == Self::LessOrEqual;
        match self {
            // All but one version, and that one.
            Self::Unequal => other.holds(order),
            _ => is_lower && is_upper && (order.is_lt() || order.is_eq() && touch),
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
        }
    }
}

/// `*` matches any characters, `?` one. Linear in both lengths up to a factor: only the last star
/// backtracks.
fn glob_matches(glob: &str, value: &str) -> bool {
    let (glob, value): (Vec<char>, Vec<char>) = (glob.chars().collect(), value.chars().collect());
    let (mut g, mut v) = (0, 0);
    let mut star = None;
    while v < value.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, v));
                g += 1;
            }
            Some(c) if *c == '?' || *c == value[v] => {
                g += 1;
                v += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    g = at + 1;
                    v = from + 1;
                    star = Some((at, v));
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        for (pattern, value, wanted) in [
            ("ubuntu", "ubuntu", true),
            ("ubuntu", "ubuntu2", false),
            ("*", "", true),
            ("2.0.*", "2.0.13", true),
            ("2.0.?", "2.0.13", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            (">=2.0.5 <2.0.9", "2.0.5", true),
            (">=2.0.5 <2.0.9", "2.0.10", false),
            (">= 2.0.9, != 2.0.11", "2.0.10", true),
            (">= 2.0.9, != 2.0.11", "2.0.11", false),
            ("=2.0", "2.0.0", true),
            (">1", "edge", false),
            ("2.0.8..2.0.11", "2.0.10", true),
            ("2.0.8..2.0.11", "2.0.12", false),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(value),
                wanted,
                "{pattern} {value}"
            );
        }
    }

    #[test]
    fn alternatives_that_match_every_version_are_found() {
        let file = crate::error::SourceFile::new("f", "x");
        for (patterns, wanted) in [
            (&[">=1.9", "<2"][..], Some("`>=1.9 <2`")),
            (&["<2", ">1.9"], Some("`>1.9 <2`")),
            (&["1.5", "<2", ">=2"], Some("`>=2 <2`")),
            (&["!=1.5", "!=1.6"], Some("`!=1.5 !=1.6`")),
            (&["!=1.5", ">=1"], Some("`!=1.5 >=1`")),
            (&["<1.5", ">=2"], None),
            (&["<2", ">2"], None),
            (&["!=1.5", ">=2"], None),
            (&[">=1", ">=2"], None),
            (&[">=1.9 <2", "<1"], None),
            (&[">=1.9", "1.*"], None),
            (&["=1", "=2"], None),
            (&[], None),
        ] {
            let parsed: Vec<Pattern> =
                patterns.iter().map(|p| Pattern::parse(p).unwrap()).collect();
            let found = always_true(&parsed, &file.span(0..1)).and_then(|finding| finding.help);
            match (&found, wanted) {
                (Some(help), Some(wanted)) => {
                    assert!(help.ends_with(wanted), "{patterns:?}: {help}")
                }
                (found, wanted) => assert_eq!(found.is_none(), wanted.is_none(), "{patterns:?}"),
            }
        }
    }

    #[test]
    fn an_invalid_comparison_is_an_error() {
        for text in ["<", ">=a", ">=2 foo", "!2.0", "2..1"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
