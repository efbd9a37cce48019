//! Makes untrusted text safe to show on one line.
//!
//! Build output may move the cursor, change the window title, hide later text or reorder earlier
//! text. After cleaning, it is one line of visible characters without any such effect.

use std::iter::Peekable;
use std::str::Chars;

use super::escape::is_escape;
use super::inert::completes_command;
use super::redact;

/// One line of visible text, at most `limit` characters, ending in `…` if it was truncated.
///
/// Escape sequences are removed. Of a progress line that rewrites itself with `\r`, only the last
/// state is kept. Line breaks and tabs become spaces. Control characters, and characters that
/// reorder or hide text, are removed. Workflow commands are made inert, and secrets in URLs are hidden.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    let longest = limit.saturating_add(LONGEST_LOGIN);
    let mut kept = Line { text: String::new(), count: 0, limit: longest };
    let mut returned = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                returned = true;
                continue;
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                // `\r\n` is a line ending, not a line that is rewritten.
                returned = false;
                kept.push(' ');
                continue;
            }
            '\x1b' => {
                skip_escape(&mut chars);
                continue;
            }
            '\u{9b}' => {
                skip_control_sequence(&mut chars);
                continue;
            }
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_string(&mut chars);
                continue;
            }
            _ if c != '\t' && (c.is_control() || misleads(c)) => continue,
            _ => {}
        }
        if returned {
            kept.clear();
            returned = false;
        }
        kept.push(match c {
            '\t' => ' ',
            c if is_escape(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        });
    }
    shortened(&redact(&kept.text), limit)
}

/// An instruction of one or several lines on one line of at most `limit` characters. Indentation
/// becomes one space.
pub(crate) fn instruction(text: &str, limit: usize) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "), limit)
}

/// Characters after the limit that are searched for the end of a login. Without its end, a login is not
/// recognised.
const LONGEST_LOGIN: usize = 4096;

/// At most `limit` characters of `text`, ending in `…` if it was truncated, without spaces at the end.
fn shortened(text: &str, limit: usize) -> String {
    let mut kept: String = text.chars().take(limit).collect();
    if kept.len() < text.len() && kept.pop().is_some() {
        kept.push('…');
    }
    kept.truncate(kept.trim_end().len());
    kept
}

struct Line {
    text: String,
    count: usize,
    limit: usize,
}

impl Line {
    fn push(&mut self, c: char) {
        if completes_command(&self.text, c) {
            self.add(' ');
        }
        self.add(c);
    }

    fn add(&mut self, c: char) {
        if self.count < self.limit {
            self.text.push(c);
            self.count += 1;
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.count = 0;
    }
}

/// Characters that reorder, annotate or hide the text around them, but are not control characters.
fn misleads(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Skips the rest of an escape sequence, as defined in ECMA-48.
fn skip_escape(chars: &mut Peekable<Chars>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(' '..='~') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        // A control character or a non-ASCII letter: the ESC was not the start of a sequence.
        _ => {}
    }
}

/// Skips parameters, intermediates and the final byte of a CSI sequence.
fn skip_control_sequence(chars: &mut Peekable<Chars>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Skips a title, a link or another string, up to its terminator.
///
/// An unterminated string ends with the line, so that a lone `ESC ]` cannot hide other lines.
fn skip_string(chars: &mut Peekable<Chars>) {
    while let Some(c) = chars.next_if(|c| !matches!(c, '\r' | '\n')) {
        match c {
            '\x07' | '\u{9c}' => return,
            '\x1b' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terminal_controls_are_removed_and_text_is_kept() {
        for (dirty, expected) in [
            ("plain", "plain"),
            ("\x1b[1;31mred\x1b[0m!", "red!"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\u{9b}2Jclear", "clear"),
            ("\u{9d}title\u{9c}after", "after"),
            ("\x1bP dcs \x1b\\after", "after"),
            ("\x1b(Bcharset", "charset"),
            ("\x1b=keypad", "keypad"),
            ("lone \x1b", "lone"),
            ("\x1b]never closed\nnext", " next"),
            ("10%\r50%\r100%", "100%"),
            ("100%\r", "100%"),
            ("line\r\n", "line"),
            ("one\r\ntwo", "one two"),
            ("a\tb\0c\x08\x7f", "a bc"),
            ("user\u{202e}gpj.exe\u{2066}", "usergpj.exe"),
            ("x\u{2028}y\u{feff}", "x y"),
            ("日本 👩‍🔧", "日本 👩‍🔧"),
            ("\x1b[0m::error::x", ": :error::x"),
            (":\x1b[0m:error::x", ": :error::x"),
            ("x\r::error::x", ": :error::x"),
            ("#\x08#\u{200b}[error]x", "## [error]x"),
        ] {
            assert_eq!(clean(dirty, 100), expected, "{dirty:?}");
        }
    }

    #[test]
    fn a_long_line_is_truncated_with_an_ellipsis() {
        assert_eq!(clean("abcdef", 4), "abc…");
        assert_eq!(instruction("RUN a; \\\n      b\t\tc", 11), "RUN a; \\ b…");
        assert_eq!(clean("abcd", 4), "abcd");
        assert_eq!(clean("abcd", 0), "");
        assert_eq!(clean("abcdefghijk\rxyz", 4), "xyz");
    }

    #[test]
    fn a_password_in_a_url_is_hidden_in_coloured_and_in_truncated_text() {
        for (dirty, limit, expected) in [
            ("https:\x1b[1m//u:can\x1b[0mary@h/x", 100, "https://u:***@h/x"),
            ("x\rhttps://u:canary@h/x", 100, "https://u:***@h/x"),
            ("https://u:canary@h/x", 12, "https://u:*…"),
            ("https://u:canary@h/x", 17, "https://u:***@h/x"),
        ] {
            assert_eq!(clean(dirty, limit), expected, "{dirty:?}");
        }
    }

    proptest! {
        #[test]
        fn the_result_never_holds_a_control_character(text in nasty(), limit in 0usize..200) {
            let cleaned = clean(&text, limit);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || misleads(c)), "{cleaned:?}");
            prop_assert!(cleaned.chars().count() <= limit);
            prop_assert_eq!(clean(&cleaned, limit), cleaned.clone());
        }
    }

    /// Strings in which valid and broken escape sequences are far more likely than in random text.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\x1b[".to_owned()),
            Just("\x1b]".to_owned()),
            Just("\x1bP".to_owned()),
            Just("\x1b".to_owned()),
            Just("\u{9b}".to_owned()),
            Just("\u{202e}".to_owned()),
            Just("\r".to_owned()),
            Just("\n".to_owned()),
            any::<char>().prop_map(String::from),
            "[ -~]{0,8}",
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }
}
