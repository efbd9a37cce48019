//! From a line of a rendered Dockerfile to the line of its template.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{SourceFile, Span};
use crate::template::Rendered;

/// The templates of a plan, by their names.
#[derive(Debug, Clone, Default)]
pub struct Sources(HashMap<Arc<str>, SourceFile>);

impl Sources {
    pub fn new(files: HashMap<Arc<str>, SourceFile>) -> Self {
        Self(files)
    }

    /// The template line that a line (from 1) of a rendered Dockerfile came from, without surrounding
    /// white space.
    pub fn line(&self, rendered: &Rendered, line: u32) -> Option<Span> {
        let origin = rendered.origin(line)?;
        let file = self.0.get(&origin.file)?;
        let range = file.line_range(origin.line as usize)?;
        let text = &file.text()[range.clone()];
        let indent = text.len() - text.trim_start().len();
        let end = text.trim_end().len().max(indent);
        Some(file.span(range.start + indent..range.start + end))
    }
}
