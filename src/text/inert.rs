//! Prevents untrusted text from containing workflow commands.
//!
//! GitHub's runner parses every line of a job's output. It executes a line that starts with `::`
//! after whitespace, and `##[` anywhere in a line. A space inside of them makes them plain,
//! readable text: `: :error::` and `## [error]`.
//!
//! Source: `ActionCommand.cs` in <https://github.com/actions/runner>

use std::borrow::Cow;

/// Whether `next` would complete a command, after `line` in the same line.
pub(super) fn completes_command(line: &str, next: char) -> bool {
    match next {
        '[' => line.ends_with("##"),
        ':' => line.trim_start() == ":",
        _ => false,
    }
}

/// `text`, of one or several lines, with workflow commands made inert.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    let suspicious = |line: &str| line.contains("##[") || line.trim_start().starts_with("::");
    if !text.split(['\n', '\r']).any(suspicious) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive(['\n', '\r']) {
        let rest = line.trim_start_matches(|c: char| c.is_whitespace() && c != '\n' && c != '\r');
        shown += &line[..line.len() - rest.len()];
        let rest = match rest.strip_prefix("::") {
            Some(rest) => {
                shown += ": :";
                rest
            }
            None => rest,
        };
        shown += &rest.replace("##[", "## [");
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::clean;

    /// The patterns that the runner looks for in a line.
    fn commands(text: &str) -> bool {
        let obeyed = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
        text.split(['\n', '\r']).any(obeyed)
    }

    #[test]
    fn commands_become_readable_text() {
        for (text, expected) in [
            ("", ""),
            ("plain :: text", "plain :: text"),
            ("::error::x", ": :error::x"),
            ("  \t::stop-commands::x", "  \t: :stop-commands::x"),
            ("\u{a0}::x", "\u{a0}: :x"),
            (":::x", ": ::x"),
            ("a\n::b\n ::c", "a\n: :b\n : :c"),
            ("a\r::b", "a\r: :b"),
            ("std::fmt", "std::fmt"),
            ("x ##[error]y", "x ## [error]y"),
            ("###[group]##[endgroup]", "### [group]## [endgroup]"),
            ("## heading [x]", "## heading [x]"),
            ("::##[x]", ": :## [x]"),
            ("##vso[x]", "##vso[x]"),
        ] {
            assert_eq!(inert(text), expected, "{text:?}");
            let again = inert(text).into_owned();
            assert_eq!(inert(&again), again, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_contains_a_workflow_command(text in parts(), limit in 0usize..60) {
            prop_assert!(!commands(&inert(&text)), "{text:?}");
            prop_assert!(!commands(&clean(&text, limit)), "{text:?}");
            prop_assert!(clean(&text, limit).chars().count() <= limit);
            let all = text.replace(' ', "");
            prop_assert_eq!(inert(&text).replace(' ', ""), all);
        }
    }

    /// Parts of commands, and characters that may be between them.
    fn parts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just(":"),
            Just("::"),
            Just("#"),
            Just("##"),
            Just("["),
            Just("##["),
            Just(" "),
            Just("\t"),
            Just("\n"),
            Just("\r"),
            Just("\u{a0}"),
            Just("\u{3000}"),
            Just("\x1b[0m"),
            Just("\u{200b}"),
            Just("\x08"),
            Just("x"),
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }
}
