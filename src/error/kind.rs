//! The error that ends a command, and its exit code.

use std::fmt;

use super::diagnostic::Diagnostics;

/// Why a command failed; each kind has its own exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// At least one cell failed.
    CellFailed,
    /// The command line is wrong.
    Usage,
    /// The matrix or a template is wrong.
    Matrix,
    /// The daemon, a registry, credentials, or a local file.
    Environment,
    /// A bug in onebuild.
    Bug,
}

impl ErrorKind {
    /// The exit code. These are documented; 0 is success. A run that a signal stops exits with the
    /// code of the signal (`run::signals`).
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::CellFailed => 1,
            Self::Usage => 2,
            Self::Matrix => 3,
            Self::Environment => 4,
            Self::Bug => 70,
        }
    }
}

/// What a command returns when it fails.
#[derive(Debug)]
pub(crate) struct Error {
    kind: ErrorKind,
    message: String,
    diagnostics: Diagnostics,
    notes: Vec<String>,
    help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            diagnostics: Diagnostics::default(),
            notes: Vec::new(),
            help: None,
            source: None,
        }
    }

    /// Findings with an explicit kind: a selection that matches no cell is a usage error.
    pub(crate) fn found(kind: ErrorKind, diagnostics: Diagnostics) -> Self {
        Self { diagnostics, ..Self::new(kind, "") }
    }

    /// Adds findings, which are shown before the message.
    pub(crate) fn with_findings(self, diagnostics: Diagnostics) -> Self {
        Self { diagnostics, ..self }
    }

    /// Sets the cause; the causes of the cause are shown too.
    pub(crate) fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a fact, such as an address that was tested.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Begins the message with what could not be done.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The findings in files; empty for other kinds of errors.
    pub(crate) fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// The error as users read it, with a line end unless it is empty.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut text = self.diagnostics.render(color);
        if !self.message.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            let causes = std::iter::successors(
                self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static)),
                |e| e.source(),
            );
            let notes: Vec<String> = causes
                .map(|cause| format!("because {cause}"))
                .chain(self.notes.iter().cloned())
                .collect();
            text += &super::render::plain(&self.message, &notes, self.help.as_deref(), color);
        }
        text
    }
}

/// Findings in the matrix or in a template, or about flags.
impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        let kind = if diagnostics.is_usage() { ErrorKind::Usage } else { ErrorKind::Matrix };
        Self::found(kind, diagnostics)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => fmt::Display::fmt(&self.diagnostics, f),
            message => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_causes_notes_and_help() {
        let cause = std::io::Error::other("connection refused");
        let error = Error::new(ErrorKind::Environment, "no Docker engine is running")
            .caused_by(cause)
            .note("tried unix:///var/run/docker.sock")
            .help("start the engine, or name one with --host");
        assert_eq!(error.exit_code(), 4);
        assert_eq!(
            error.render(false),
            "\
error: no Docker engine is running
 |
 = note: because connection refused
 = note: tried unix:///var/run/docker.sock
 = help: start the engine, or name one with --host
"
        );
    }
}
