//! Files that are rendered with the values of one cell and committed, such as docker-compose.yml.

use super::given::Given;
use crate::error::Span;
use crate::template::{Condition, NameUse};

/// A file beside the matrix that names one of its images.
#[derive(Debug, Clone)]
pub struct FileRule {
    /// Counted from the folder of matrix.yaml, and inside it.
    pub path: String,
    pub span: Span,
    /// Counted from there, too.
    pub template: String,
    pub template_span: Span,
    pub(crate) when: Option<Given<Condition>>,
}

impl FileRule {
    /// The names that its condition uses.
    pub(crate) fn names(&self) -> Vec<NameUse> {
        self.when.as_ref().map(|when| when.value.names()).unwrap_or_default()
    }
}
