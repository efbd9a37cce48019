//! Errors of other libraries as part of our sentences.

use std::fmt::Display;

/// Precedes the error number of the operating system, which does not help users.
const NUMBER: &str = " (os error ";

/// The text of `error` without operating system error numbers.
pub(crate) fn why(error: &dyn Display) -> String {
    let mut text = error.to_string();
    while let Some(start) = text.find(NUMBER) {
        let Some(length) = text[start..].find(')') else { break };
        text.replace_range(start..=start + length, "");
        // Lower-case `Permission denied`, but not `I/O error`.
        let mut first = text.chars();
        if let (Some(upper), Some('a'..='z')) = (first.next(), first.next()) {
            text.replace_range(..upper.len_utf8(), &upper.to_lowercase().to_string());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn numbers_of_the_operating_system_are_left_out() {
        for (text, wanted) in [
            ("Not a directory (os error 20)", "not a directory"),
            ("I/O error (os error 5)", "I/O error"),
            ("No space (os error 28) at path \"/A\"", "no space at path \"/A\""),
            ("a: B (os error 1): C (os error 2)", "a: B: C"),
            ("Kept As It Is", "Kept As It Is"),
            ("cut (os error 2", "cut (os error 2"),
        ] {
            assert_eq!(why(&text), wanted);
        }
        assert_eq!(why(&io::Error::from_raw_os_error(28)), "no space left on device");
    }
}
