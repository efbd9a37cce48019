//! The findings in one file, before they are acknowledged.

use crate::error::{Diagnostic, Span};
use crate::lint::finding::Finding;

/// A file that a Compose file loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Relative to the directory of the file that loads it; can be a URL, or contain a variable.
    pub path: String,
    pub span: Span,
}

/// A setting that gives a container access to the host.
pub(super) struct Hit {
    pub(super) rule: &'static str,
    /// What the container is allowed to do.
    pub(super) message: String,
    pub(super) span: Span,
    pub(super) note: Option<&'static str>,
}

impl Hit {
    pub(super) fn finding(self) -> Finding {
        let help = format!(
            "remove it, or acknowledge it with a comment on this line: \
             `# onebuild: allow {} (reason)`",
            self.rule
        );
        let diagnostic = Diagnostic::warning(self.message).at(&self.span, "").help(help);
        Finding::new(self.rule, self.note.into_iter().fold(diagnostic, Diagnostic::note))
    }
}
