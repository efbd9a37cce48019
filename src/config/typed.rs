//! The command line of a run, for a command that repeats a part of it.

use crate::record::Argument;

/// A command line, word by word. Values that could be secret are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    /// `build` or `matrix`.
    pub command: String,
    pub words: Vec<Word>,
    /// The same, word by word without quotes.
    pub arguments: Vec<Argument>,
    /// The variables of the shell that take the place of values which could be secret, in order.
    pub variables: Vec<String>,
}

/// A flag with its value, or a cell. It is quoted for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// The name of a cell.
    Cell(String),
    /// `--only`, or the flag of an axis.
    Only {
        axis: String,
        word: String,
    },
    Skip(String),
    Add(String),
    /// Any other flag.
    Flag(String),
}

impl Word {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Cell(word)
            | Self::Only { word, .. }
            | Self::Skip(word)
            | Self::Add(word)
            | Self::Flag(word) => word,
        }
    }
}

/// A word for a shell, in quotes if it has characters that a shell interprets.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=,@%+-".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_change_it() {
        for (text, wanted) in [
            ("--only", "--only"),
            ("version=>=1.0", "'version=>=1.0'"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$HOME/*", "'$HOME/*'"),
            ("", "''"),
            ("ü", "'ü'"),
        ] {
            assert_eq!(quoted(text), wanted);
        }
    }
}
