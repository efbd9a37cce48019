//! Parses versions. Every string is accepted.

use super::part::Part;
use super::words::{self, Meaning};

/// A parsed version.
#[derive(Debug, Clone, Default)]
pub(super) struct Version<'a> {
    /// A name in front that is not part of the version: `openssl` in `openssl-3.0.1`.
    pub(super) prefix: &'a str,
    /// The epoch, which is compared first: Python's `1!2.0`, Debian's `1:2.0`.
    pub(super) epoch: &'a str,
    /// The numbers, which are separated by dots.
    pub(super) release: Vec<&'a str>,
    pub(super) suffix: Vec<Part<'a>>,
    /// The text after `+`.
    pub(super) build: Option<&'a str>,
    /// It is a pre-release.
    pub(super) is_unfinished: bool,
}

/// A run of digits, or of letters.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    text: &'a str,
    is_number: bool,
    /// The separator before it; `None` at the start and between letters and digits.
    sign: Option<char>,
}

impl<'a> Version<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        let (prefix, text) = in_front(text);
        let (epoch, text) = epoch(text);
        let mut version = Self { prefix, epoch, build, ..Self::default() };
        let runs = runs(text);
        for index in 0..runs.len() {
            let before = index.checked_sub(1).map(|before| runs[before]);
            version.add(before, runs[index], runs.get(index + 1).copied());
        }
        version
    }

    fn add(&mut self, before: Option<Run<'a>>, run: Run<'a>, after: Option<Run<'a>>) {
        if !run.is_number {
            return self.add_word(before, run, after);
        }
        let after_number = before.is_some_and(|before| before.is_number);
        if self.suffix.is_empty() && (before.is_none() || (after_number && run.sign == Some('.'))) {
            return self.release.push(run.text);
        }
        match run.sign {
            // Debian: `1.0~1` precedes `1.0`.
            Some('~') => self.suffix.push(Part::Variant("")),
            // A revision: `1.2-3`. The time in `2024-01-05T22-17-24Z` is not a word.
            Some('-' | '_') if after_number => self.suffix.push(Part::Post("")),
            None if before.is_some_and(is_time) && self.is_date() => {
                self.suffix.push(Part::Post(""));
            }
            _ => {}
        }
        self.suffix.push(Part::Number(run.text));
    }

    fn add_word(&mut self, before: Option<Run<'a>>, run: Run<'a>, after: Option<Run<'a>>) {
        let number_before = before.is_some_and(|before| before.is_number);
        let joined = run.sign.is_none() && number_before;
        // The digits directly after the word, as in `rc1`.
        let counted = after.is_some_and(|after| after.is_number && after.sign.is_none());
        if self.is_date() && joined && is_time(run) && (counted || after.is_none()) {
            return;
        }
        if is_hash(run.text) {
            // `git describe` writes `1.2.0-14-g1a2b3c4`, which is later than 1.2.0 and not a
            // release.
            self.is_unfinished |= number_before && run.text.starts_with(['g', 'G']);
            return self.suffix.push(Part::Variant(run.text));
        }
        if joined && run.text.len() == 1 && after.is_none_or(|after| after.sign.is_some()) {
            return self.suffix.push(Part::Letter(run.text));
        }
        let meaning = words::after(run.text).or_else(|| self.letter(run, after));
        match meaning {
            Some(Meaning::Pre(usual)) => {
                self.is_unfinished = true;
                let further = matches!(self.suffix.last(), Some(Part::Pre(_)));
                self.suffix.push(match further {
                    true => Part::Identifier(run.text),
                    false => Part::Pre(usual),
                });
            }
            Some(Meaning::Post) => self.suffix.push(Part::Post(run.text)),
            Some(Meaning::Final | Meaning::Version) => {}
            None => {
                let further = matches!(self.suffix.last(), Some(Part::Pre(_)));
                self.suffix.push(match further && run.sign == Some('.') {
                    true => Part::Identifier(run.text),
                    false => Part::Variant(run.text),
                });
            }
        }
    }

    /// The meaning of a single letter, which depends on its neighbours.
    fn letter(&self, run: Run<'a>, after: Option<Run<'a>>) -> Option<Meaning> {
        let [letter] = run.text.as_bytes() else { return None };
        let number = after.filter(|after| after.is_number);
        let counted = number.is_some_and(|after| after.sign.is_none());
        let dotted = number.is_some_and(|after| after.sign == Some('.'));
        // `8u412-b08` and `1.8.0_292-b10` of OpenJDK are builds, not betas.
        let updated = self.suffix.iter().any(|part| matches!(part, Part::Post(_)));
        match letter.to_ascii_lowercase() {
            b'b' if counted && updated && run.sign == Some('-') => Some(Meaning::Post),
            // PEP 440: `3.13.0a1`; Maven: `1.0-a1`; SemVer: `1.0.0-a.1`.
            b'a' if counted || dotted => Some(Meaning::Pre("alpha")),
            b'b' if counted || dotted => Some(Meaning::Pre("beta")),
            b'c' if counted => Some(Meaning::Pre("rc")),
            b'm' if counted => Some(Meaning::Pre("milestone")),
            // OpenSSH's `9.9p1`, Alpine's `-r1`, Java's `8u92`.
            b'p' | b'r' | b'u' if counted => Some(Meaning::Post),
            _ => None,
        }
    }

    /// Whether it begins with a year, month and day.
    fn is_date(&self) -> bool {
        let first = self.release.first().copied().unwrap_or_default();
        matches!(first.len(), 4 | 8) && first.starts_with(['1', '2'])
    }
}

/// The letters of ISO 8601: `2024-01-05T22:17:24Z`.
fn is_time(run: Run<'_>) -> bool {
    run.text.eq_ignore_ascii_case("t") || run.text.eq_ignore_ascii_case("z")
}

/// Splits off a prefix of the version.
fn in_front(text: &str) -> (&str, &str) {
    let word = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    if is_hash(&text[..word]) {
        return (text, "");
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return ("", text);
    }
    let letters = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (first, rest) = text.split_at(letters);
    let number = rest.strip_prefix(['-', '_', '.', '/']).unwrap_or(rest);
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        if words::is_in_front(first, rest) {
            return ("", number);
        }
        // `rc12` and `nightly-20241231` are versions without leading numbers.
        if words::after(first).is_some() {
            return ("", text);
        }
    }
    let digit = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(digit)
}

fn epoch(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text[digits..].strip_prefix(['!', ':']) {
        Some(rest) if digits > 0 => (&text[..digits], rest),
        _ => ("0", text),
    }
}

/// Splits a string at separators, and between letters and digits.
fn runs(text: &str) -> Vec<Run<'_>> {
    let mut found = Vec::new();
    let mut sign = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !first.is_alphanumeric() {
            sign = Some(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let is_number = first.is_ascii_digit();
        let whole = is_hash(&rest[..word]) && (sign.is_some() || found.is_empty());
        let end = match whole {
            true => word,
            false => rest
                .find(|c: char| c.is_ascii_digit() != is_number || !c.is_alphanumeric())
                .unwrap_or(rest.len()),
        };
        found.push(Run { text: &rest[..end], is_number: is_number && !whole, sign: sign.take() });
        rest = &rest[end..];
    }
    found
}

/// Whether it looks like a commit hash: hexadecimal, and not just numbers around one letter, such
/// as `20240101b2`. `git describe` writes `g` before it.
pub(super) fn is_hash(word: &str) -> bool {
    const MIN_LENGTH: usize = 7;
    let hex = word.strip_prefix('g').unwrap_or(word);
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = hex.bytes().filter(u8::is_ascii_digit).count();
    if hex.len() < MIN_LENGTH || !hex.bytes().all(is_hex) || digits == 0 {
        return false;
    }
    hex.len() < word.len() || hex.len() - digits > 1
}
