//! The width of text in terminal cells, for text without escape sequences.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width of `text` in cells.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` padded with spaces or truncated with `ellipsis`: exactly `columns` wide.
pub(super) fn fit(text: &str, columns: usize, ellipsis: &str) -> String {
    pad(&cut(text, columns, ellipsis), columns)
}

/// `text` padded with spaces to `columns`; a longer string is not truncated.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

fn cut(text: &str, columns: usize, ellipsis: &str) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(width(ellipsis));
    let kept = text.chars().take_while(|c| {
        let cells = c.width().unwrap_or(0);
        let fits = cells <= left;
        left = left.saturating_sub(cells);
        fits
    });
    let mut kept: String = kept.collect();
    kept.extend(ellipsis.chars().take(columns));
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_padded_or_truncated_to_its_column() {
        for (text, columns, expected) in [
            ("ab", 4, "ab  "),
            ("abcdef", 4, "abc…"),
            ("日本語", 4, "日… "),
            ("日本語", 6, "日本語"),
            ("ab", 0, ""),
            ("ab", 1, "…"),
        ] {
            assert_eq!(fit(text, columns, "…"), expected);
        }
        assert_eq!(pad("abcdef", 4), "abcdef");
        for (columns, expected) in [(5, "ab..."), (4, "a..."), (2, ".."), (0, "")] {
            assert_eq!(fit("abcdef", columns, "..."), expected);
        }
    }

    proptest! {
        #[test]
        fn fitted_text_has_the_requested_width(text in "[ -~日本é]{0,40}", columns in 0usize..50) {
            prop_assert_eq!(width(&fit(&text, columns, "…")), columns);
        }
    }
}
