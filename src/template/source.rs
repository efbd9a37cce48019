//! The source of a template: a file of its own, or a string in another file.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Diagnostic, SourceFile, Span};

#[derive(Debug, Clone)]
pub(super) enum Source {
    File(SourceFile),
    Inline {
        text: Arc<str>,
        span: Span,
        /// The offset of the text in the file, if it is there literally. Quoting and folding can
        /// change it; then errors point at the whole value.
        start: Option<usize>,
    },
}

impl Source {
    pub(super) fn file(file: SourceFile) -> Self {
        Self::File(file)
    }

    pub(super) fn inline(text: &str, span: Span) -> Self {
        let start = span.text().find(text).map(|offset| span.start + offset);
        Self::Inline { text: text.into(), span, start }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::File(file) => file.text(),
            Self::Inline { text, .. } => text,
        }
    }

    /// Adds to the help of an error that the text may belong to another language. In a key of the matrix,
    /// it does not.
    pub(super) fn or_foreign(&self, finding: Diagnostic) -> Diagnostic {
        match self {
            Self::File(_) => or_foreign(finding),
            Self::Inline { .. } => finding,
        }
    }

    /// The name of the file that contains it.
    pub(super) fn name(&self) -> &Arc<str> {
        match self {
            Self::File(file) => file.name(),
            Self::Inline { span, .. } => span.file.name(),
        }
    }

    pub(super) fn span(&self, range: Range<usize>) -> Span {
        match self {
            Self::File(file) => file.span(range),
            Self::Inline { span, start: Some(start), .. } => {
                span.file.span(start + range.start..start + range.end)
            }
            Self::Inline { span, .. } => span.clone(),
        }
    }
}

/// Adds to the help of an error in a file that the text may belong to another language.
pub(crate) fn or_foreign(mut finding: Diagnostic) -> Diagnostic {
    let before = finding.help.take().map(|help| help + "; ").unwrap_or_default();
    finding.help(format!(
        "{before}if this text is not for onebuild, put it between `#% raw` and `#% endraw`, or set \
         `template: false` for the whole Dockerfile"
    ))
}
