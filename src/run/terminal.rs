//! The only module that writes to the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Diagnostics, Error, ErrorKind, why};
use crate::text::{Paint, only_ascii, safe};

/// Why writing to stdout failed. It is reported at the end of the run, because commands cannot
/// handle it.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes data to stdout. A reader that closes the pipe, such as `head`, is not an error.
pub(crate) fn stdout(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Buffered stdout, for data that is too large to be built as one string.
pub(crate) struct Buffered(io::BufWriter<io::Stdout>);

/// The same as [`stdout`], for many parts.
pub(crate) fn buffered() -> Buffered {
    Buffered(io::BufWriter::with_capacity(BUFFER, io::stdout()))
}

const BUFFER: usize = 64 << 10;

impl Buffered {
    /// Writes `text`; returns false after a failure, when all further output is dropped.
    pub(crate) fn text(&mut self, text: &str) -> bool {
        self.bytes(text.as_bytes())
    }

    /// The same for bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> bool {
        self.done(|out| out.write_all(bytes))
    }

    /// The same for the output of `write`.
    pub(crate) fn done(
        &mut self,
        write: impl FnOnce(&mut io::BufWriter<io::Stdout>) -> io::Result<()>,
    ) -> bool {
        match write(&mut self.0) {
            Ok(()) => true,
            Err(error) => {
                if error.kind() != io::ErrorKind::BrokenPipe {
                    let _ = LOST.set(error);
                }
                false
            }
        }
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        self.done(io::Write::flush);
    }
}

/// The error of an incomplete write to stdout, such as a full disk.
pub(crate) fn lost() -> Option<Error> {
    let why = why(LOST.get()?);
    Some(Error::new(ErrorKind::Environment, format!("stdout cannot be written: {why}")))
}

/// Prints warnings, or returns them as an error with `--strict`.
pub(crate) fn warn(warnings: &Diagnostics, strict: bool) -> Result<(), Error> {
    if strict && warnings.has_warnings() {
        return Err(warnings.clone().into_errors().into());
    }
    if !warnings.is_empty() {
        stderr(&warnings.render(stderr_has_colour()));
        ENDS_IN_FINDING.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Whether a finding is the last text on stderr.
static ENDS_IN_FINDING: AtomicBool = AtomicBool::new(false);

/// Prints the error that ends a command, separated from the warnings before it.
pub(crate) fn error(error: &Error) {
    let separator = if ENDS_IN_FINDING.load(Ordering::Relaxed) { "\n" } else { "" };
    stderr(&format!("{separator}{}", error.render(stderr_has_colour())));
}

/// Writes everything except data to stderr. Workflow commands in untrusted text are made inert, and the
/// secrets in URLs are hidden.
pub(crate) fn stderr(text: &str) {
    ENDS_IN_FINDING.store(false, Ordering::Relaxed);
    let text = safe(text);
    let _ = io::stderr().lock().write_all(stderr_paint().shown(&text).as_bytes());
}

/// The same for a text of which there is one without and one with colours.
pub(crate) fn stderr_either(plain: String, coloured: String) {
    stderr(if stderr_has_colour() { &coloured } else { &plain });
}

/// Writes workflow commands, in which foreign text is escaped already.
pub(crate) fn workflow_commands(commands: &str) {
    let _ = stderr_stream().lock().write_all(commands.as_bytes());
}

/// Colours and symbols that stderr can show.
pub(crate) fn stderr_paint() -> Paint {
    let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    Paint { colour: stderr_has_colour(), ascii: only_ascii(variable) }
}

/// Symbols that stdout can show. It has no colours.
pub(crate) fn stdout_paint() -> Paint {
    let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    Paint { colour: false, ascii: only_ascii(variable) }
}

/// Stderr, for the progress of a run.
pub(crate) fn stderr_stream() -> io::Stderr {
    ENDS_IN_FINDING.store(false, Ordering::Relaxed);
    io::stderr()
}

/// Whether output to stderr is coloured.
pub(crate) fn stderr_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether stderr is a terminal that understands escape sequences.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Whether stdout is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The columns of the terminal at stdout, if there is one.
pub(crate) fn stdout_columns() -> Option<usize> {
    let (columns, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(columns.0.into()).filter(|columns| *columns > 0)
}

/// Whether output to stdout is coloured.
pub(crate) fn stdout_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}
