//! Files that are rendered with the values of one cell and committed, such as docker-compose.yml.

use super::given::Given;
use crate::error::Span;
use crate::template::{Condition, NameUse};

/// A file next to the matrix that refers to one of its images.
#[derive(Debug, Clone)]
pub struct FileRule {
    /// Relative to the directory of matrix.yaml, and inside it.
    pub path: String,
    pub span: Span,
    /// Relative to the same directory.
    pub template: String,
    /// False if the file is copied unchanged.
    pub(crate) is_template: bool,
    pub template_span: Span,
    pub(crate) when: Option<Given<Condition>>,
}

impl FileRule {
    /// The names that its condition uses.
    pub(crate) fn names(&self) -> Vec<NameUse> {
        self.when.as_ref().map(|when| when.value.names()).unwrap_or_default()
    }
}
