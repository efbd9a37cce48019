//! Settings of a display, which does not detect anything itself.

use crate::text::Paint;

/// How to show progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `tty` on a terminal, `github` in GitHub Actions, else `plain`
    #[default]
    Auto,
    /// What runs now, redrawn in place
    Tty,
    /// One line for each thing that happens
    Plain,
    /// The lines of each cell when it ends, in a group of the log of GitHub Actions
    Github,
    /// Nothing; the events of the run are on stdout
    Json,
    /// Nothing but errors
    Quiet,
}

impl Mode {
    /// Whether nothing is printed on stderr but failures and warnings.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Json | Self::Quiet)
    }
}

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// The output and the style of a display.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DisplaySettings {
    pub mode: Mode,
    pub paint: Paint,
    /// Whether the output is a terminal that understands escape sequences.
    pub is_terminal: bool,
    /// Whether GitHub Actions reads the output.
    pub is_github: bool,
    /// Called at every redraw, because a window may be resized at any time.
    pub size: fn() -> Option<Size>,
}

impl DisplaySettings {
    /// The mode, never `Auto`.
    pub(crate) fn resolved(&self) -> Mode {
        match (self.mode, self.is_terminal) {
            (Mode::Auto, true) => Mode::Tty,
            (Mode::Auto, false) if self.is_github => Mode::Github,
            (Mode::Auto, false) => Mode::Plain,
            (mode, _) => mode,
        }
    }
}

/// The size of the terminal at stderr, if there is one.
pub(crate) fn terminal_size() -> Option<Size> {
    let (columns, rows) = terminal_size::terminal_size_of(std::io::stderr())?;
    Some(Size { columns: columns.0.into(), rows: rows.0.into() })
}
