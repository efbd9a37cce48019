//! Colours and symbols, if they are enabled. They only emphasise what the words already say.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};

use super::ascii::ascii;
use super::width::fit;

/// Colours text, or leaves it unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Paint {
    pub colour: bool,
    /// Whether our own symbols are replaced by ASCII characters.
    pub ascii: bool,
}

impl Paint {
    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn warning(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(crate) fn busy(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    pub(crate) fn quiet(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// `text` as the terminal can show it.
    pub(crate) fn shown(self, text: &str) -> Cow<'_, str> {
        if self.ascii { ascii(text) } else { Cow::Borrowed(text) }
    }

    /// `text` padded or truncated to exactly `columns`, as the terminal can show it.
    pub(crate) fn fit(self, text: &str, columns: usize) -> String {
        fit(&self.shown(text), columns, &self.shown("…"))
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
