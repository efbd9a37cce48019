//! Text for terminals and logs that show only ASCII.

use std::borrow::Cow;

/// Whether a terminal with these variables shows only ASCII: `TERM=dumb`, or a locale without
/// UTF-8.
///
/// As in POSIX, the first non-empty variable of `LC_ALL`, `LC_CTYPE` and `LANG` decides. Without
/// any, as in most containers and CI jobs, the locale says nothing about who reads the output.
pub(crate) fn only_ascii(variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("TERM").is_some_and(|term| term == "dumb") {
        return true;
    }
    let mut locales = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable);
    locales.find(|locale| !locale.is_empty()).is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    })
}

/// `text` with our own symbols replaced by ASCII characters. Other text is unchanged.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| replaced(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match replaced(c) {
            Some(other) => plain += other,
            None => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

fn replaced(c: char) -> Option<&'static str> {
    Some(match c {
        '✓' => "+",
        '✗' | '×' => "x",
        '…' => "...",
        '·' | '─' | '╸' => "-",
        '━' => "=",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_or_a_locale_without_utf_8_gets_ascii() {
        for (variables, expected) in [
            (&[][..], false),
            (&[("TERM", "dumb")], true),
            (&[("TERM", "dumb"), ("LC_ALL", "C.UTF-8")], true),
            (&[("TERM", "xterm")], false),
            (&[("LC_ALL", "C")], true),
            (&[("LC_ALL", "POSIX")], true),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], true),
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")], false),
            (&[("LC_ALL", ""), ("LANG", "C")], true),
            (&[("LC_CTYPE", "UTF-8"), ("LANG", "C")], false),
            (&[("LC_CTYPE", "C"), ("LANG", "C.utf8")], true),
            (&[("LANG", "de_DE.utf8")], false),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[("LANG", "de_DE")], true),
            (&[("LANG", "")], false),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
            };
            assert_eq!(only_ascii(variable), expected, "{variables:?}");
        }
    }

    #[test]
    fn our_symbols_are_replaced_and_other_text_is_not() {
        for (text, expected) in [
            ("plain", "plain"),
            (" ✗ v1  3s × 4 · a…", " x v1  3s x 4 - a..."),
            ("━━╸──", "==---"),
            ("日本語 é", "日本語 é"),
        ] {
            assert_eq!(ascii(text), expected);
        }
    }
}
