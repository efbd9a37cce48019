//! How versions compare. Pure.
//!
//! Looser than SemVer, since images follow many schemes (`24.04`, `3.20`, `v2.0.13`, `2.0.0-rc.1`),
//! and equal to it where a version is one: numbers compare as numbers, `-rc.1` comes before the
//! release, and what follows `+` does not count.

use std::cmp::Ordering;

/// Whether `text` looks like a version: a digit first, or after `v`.
pub fn is_version(text: &str) -> bool {
    bare(text).starts_with(|c: char| c.is_ascii_digit())
}

/// The order of two versions; missing numbers count as 0, so `2.0` equals `2.0.0`.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (split(left), split(right));
    numbers(left.0, right.0).then_with(|| match (left.1, right.1) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(left), Some(right)) => identifiers(left, right),
    })
}

/// Number `index` of a version: 0 is the major one.
pub fn part(text: &str, index: usize) -> Option<&str> {
    split(text).0.split('.').nth(index).filter(|part| !part.is_empty())
}

fn bare(text: &str) -> &str {
    text.strip_prefix(['v', 'V']).unwrap_or(text)
}

/// The dotted numbers, and what comes before the release.
fn split(text: &str) -> (&str, Option<&str>) {
    let text = bare(text);
    let text = text.split_once('+').map_or(text, |(version, _build)| version);
    match text.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (text, None),
    }
}

fn numbers(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => match identifier(left.unwrap_or("0"), right.unwrap_or("0")) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn identifiers(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match identifier(left, right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Numbers by their size however long they are, words by the alphabet, numbers before words.
fn identifier(left: &str, right: &str) -> Ordering {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (number(left), number(right)) {
        (true, true) => {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_ascend() {
        let ascending = [
            "1.9",
            "1.10",
            "2.0.0-alpha",
            "2.0.0-alpha.1",
            "2.0.0-beta",
            "2.0.0-rc.2",
            "2.0.0-rc.10",
            "2.0.0",
            "v2.0.1",
            "2.0.9",
            "2.0.10",
            "24.04",
            "99999999999999999999999.1",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (left, right) in [("2.0", "2.0.0"), ("v2.0", "2.0"), ("2.0+a", "2.0+b"), ("02", "2")] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
