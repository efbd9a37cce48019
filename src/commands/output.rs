//! The one place that writes to the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use crate::error::{Diagnostics, Error, ErrorKind, why};
use crate::failure::disk_help;
use crate::input::parent;
use crate::text::inert;

/// Why stdout took less than it was given; kept for the end of the run, since no command has
/// anything better to do about it than to say so.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Data, for a person or a pipe. A reader that went away, as `head` does, is no error.
pub(super) fn stdout(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Data that is written part by part, for what is too large to be made as a whole.
pub(super) struct Buffered(io::BufWriter<io::Stdout>);

/// The same as [`stdout`], for many parts.
pub(super) fn buffered() -> Buffered {
    Buffered(io::BufWriter::with_capacity(BUFFER, io::stdout()))
}

const BUFFER: usize = 64 << 10;

impl Buffered {
    /// Whether there is a reason to go on: after the first failure everything is dropped.
    pub(super) fn text(&mut self, text: &str) -> bool {
        self.done(|out| out.write_all(text.as_bytes()))
    }

    /// The same for all that `write` writes.
    pub(super) fn done(
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

/// What was written to stdout and did not arrive, as on a full disk.
pub(super) fn lost() -> Option<Error> {
    let why = why(LOST.get()?);
    Some(Error::new(ErrorKind::Environment, format!("stdout cannot be written: {why}")))
}

/// A file that could not be written, with what to do if that is the disk's fault.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{} cannot be written: {}", path.display(), why(error));
    let failed = Error::new(ErrorKind::Environment, message);
    match disk_help(error.kind(), Some(parent(path)), "name a place on another one") {
        Some(help) => failed.help(help),
        None => failed,
    }
}

/// Tells warnings, or ends the command with them where they count as errors.
pub(super) fn warn(warnings: &Diagnostics, strict: bool) -> Result<(), Error> {
    if strict && warnings.has_warnings() {
        return Err(warnings.clone().into_errors().into());
    }
    stderr(&warnings.render(stderr_has_colour()));
    Ok(())
}

/// Everything that is not data. Whatever others wrote in it, no line of it is a command for the
/// runner of a workflow.
pub(super) fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(inert(text).as_bytes());
}

/// Whether stderr is a terminal that wants colour.
pub(super) fn stderr_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether stderr is a terminal at all.
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether a person reads stdout.
pub(super) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether stdout is a terminal that wants colour.
pub(super) fn stdout_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}
