//! The one place that knows the placeholder syntax. Pure: text in, text out.

/// A rendered Dockerfile and where each of its lines came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The Dockerfile, ready for BuildKit.
    pub text: String,
    /// Origin of each line of `text`, first line first.
    origins: Vec<Origin>,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The template, as the person would name it from the current folder.
    pub file: std::sync::Arc<str>,
    /// From 1.
    pub line: u32,
}

impl Rendered {
    /// Where line `line` (from 1) of the rendered text came from.
    pub fn origin(&self, line: u32) -> Option<&Origin> {
        self.origins.get((line as usize).checked_sub(1)?)
    }
}
