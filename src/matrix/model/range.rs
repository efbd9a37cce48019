//! Ranges of versions: `2.0.0..2.0.13`.

use crate::error::Diagnostic;

/// More than the releases of any project.
const MAX_VALUES: u64 = 10_000;

/// The values of a string: itself, or all values of the range, including both ends.
///
/// A range counts the last number in its ends; the rest must be the same in both. The error has no
/// place yet.
pub(crate) fn values(text: &str) -> Result<Vec<String>, Box<Diagnostic>> {
    let wrong =
        |message: String, help: String| Err(Box::new(Diagnostic::error(message).help(help)));
    let Some((first, last)) = text.split_once("..") else {
        return Ok(vec![text.to_owned()]);
    };
    if first.is_empty() || last.is_empty() || last.starts_with('.') || last.contains("..") {
        let help = "write both ends: `2.0.0..2.0.13`";
        return wrong(format!("`{text}` is not a range"), help.to_owned());
    }
    let (Some(from), Some(to)) = (Split::of(first), Split::of(last)) else {
        let help = "write a range as `2.0.0..2.0.13`, or list the values";
        return wrong("both ends of a range must contain a number".to_owned(), help.to_owned());
    };
    if (from.before, from.after) != (to.before, to.after) {
        let message = "the ends of a range can differ only in their last number";
        let help = "list several ranges: `[2.0.0..2.0.9, 2.1.0..2.1.3]`";
        return wrong(message.to_owned(), help.to_owned());
    }
    let numbers = from.number.parse::<u64>().ok().zip(to.number.parse::<u64>().ok());
    let Some((start, end)) = numbers else {
        let help = format!("the largest number is {}", u64::MAX);
        return wrong("a number in a range is too large".to_owned(), help);
    };
    if start > end {
        let help = format!("write `{last}..{first}`");
        return wrong("the range is backwards".to_owned(), help);
    }
    if end - start >= MAX_VALUES {
        let message = format!("the range contains more than {MAX_VALUES} values");
        return wrong(message, "write a shorter range".to_owned());
    }
    // `08..12` counts 08, 09, 10: a leading zero at either end fixes the width.
    let is_padded = |number: &str| number.len() > 1 && number.starts_with('0');
    let padded = is_padded(from.number) || is_padded(to.number);
    if padded && from.number.len() != to.number.len() {
        let message = "with leading zeros, both ends must have the same number of digits";
        let help = format!("write `{}..{}`", from.with_width(&to), to.with_width(&from));
        return wrong(message.to_owned(), help);
    }
    let width = if padded { from.number.len() } else { 0 };
    let value = |number| format!("{}{number:0width$}{}", from.before, from.after);
    Ok((start..=end).map(value).collect())
}

/// A string split around its last number.
struct Split<'a> {
    before: &'a str,
    number: &'a str,
    after: &'a str,
}

impl<'a> Split<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        let start = text[..end].rfind(|c: char| !c.is_ascii_digit());
        let start = start.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        Some(Self { before: &text[..start], number: &text[start..end], after: &text[end..] })
    }

    /// With as many digits as the longer of the two numbers.
    fn with_width(&self, other: &Self) -> String {
        let width = self.number.len().max(other.number.len());
        format!("{}{:0>width$}{}", self.before, self.number, self.after)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_counts_its_last_number_and_includes_both_ends() {
        for (range, wanted) in [
            ("2.0.8..2.0.11", "2.0.8 2.0.9 2.0.10 2.0.11"),
            ("1..3", "1 2 3"),
            ("3.10..3.10", "3.10"),
            ("v1-rc1..v1-rc3", "v1-rc1 v1-rc2 v1-rc3"),
            ("2.8-slim..2.9-slim", "2.8-slim 2.9-slim"),
            ("08..11", "08 09 10 11"),
            ("ubuntu", "ubuntu"),
            ("é1..é2", "é1 é2"),
        ] {
            assert_eq!(values(range).unwrap().join(" "), wanted, "{range}");
        }
    }

    #[test]
    fn an_invalid_range_has_a_specific_error_that_shows_the_right_form() {
        for (range, word, right) in [
            ("2.0.13..2.0.0", "backwards", "`2.0.0..2.0.13`"),
            ("2.0.0..2.1.3", "only in their last number", "`[2.0.0..2.0.9, 2.1.0..2.1.3]`"),
            ("2.0.0..", "is not a range", "`2.0.0..2.0.13`"),
            ("..2.0.0", "is not a range", "`2.0.0..2.0.13`"),
            ("1...3", "is not a range", "`2.0.0..2.0.13`"),
            ("1..2..3", "is not a range", "`2.0.0..2.0.13`"),
            ("a..b", "must contain a number", "`2.0.0..2.0.13`"),
            ("1..99999999", "more than 10000", "shorter"),
            ("1..99999999999999999999999", "too large", "18446744073709551615"),
            ("v08-x..v123-x", "same number of digits", "`v008-x..v123-x`"),
            ("0..00", "same number of digits", "`00..00`"),
        ] {
            let error = values(range).expect_err(range);
            assert!(error.message.contains(word), "{range}: {error:?}");
            assert!(error.help.as_ref().is_some_and(|help| help.contains(right)), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn the_ends_are_included_and_the_count_is_right(
            before in "(v|[0-9]{1,2}\\.){0,3}", start in 0u64..50_000, more in 0u64..9_999,
        ) {
            let end = start + more;
            let found = values(&format!("{before}{start}..{before}{end}")).unwrap();
            prop_assert_eq!(found.len() as u64, more + 1);
            prop_assert_eq!(found.first(), Some(&format!("{before}{start}")));
            prop_assert_eq!(found.last(), Some(&format!("{before}{end}")));
        }

        #[test]
        fn no_text_causes_a_panic(text in "[a0-9.é]{0,12}\\.\\.[a0-9.é]{0,12}") {
            let _ = values(&text);
        }
    }
}
