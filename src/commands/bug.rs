//! A panic is a bug of ours: it ends the program with exit code 70 and says how to report it.
//!
//! A panic in one task or thread stops nothing else. The hook keeps its message, the run goes on,
//! and the bug is reported last, after the results of the other cells.

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::run::terminal;

/// Panics so far, each as its message and place. A run that panics everywhere says nothing new
/// after the first few.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
const MOST_PANICS: usize = 4;

const REPORT: &str = "please report it with the command line, the output of `onebuild --version` \
     and the message above; run it again with `--debug FILE` and attach that file";

/// Runs `program`. A panic on any of its threads makes the exit code 70.
pub fn guard(program: impl FnOnce() -> ExitCode) -> ExitCode {
    panic::set_hook(Box::new(keep));
    let code = panic::catch_unwind(panic::AssertUnwindSafe(program));
    let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    match code {
        Ok(code) if panics.is_empty() => code,
        _ => {
            let mut error = Error::new(ErrorKind::Bug, "onebuild has a bug").help(REPORT);
            for panic in panics {
                error = error.note(panic);
            }
            terminal::stderr(&error.render(terminal::stderr_has_colour()));
            ExitCode::from(error.exit_code())
        }
    }
}

fn keep(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    let at = place.as_deref().unwrap_or_default();
    tracing::error!(target: "run", at, message, "panic");
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    if panics.len() < MOST_PANICS {
        panics.push(format!("{message}{}", place.unwrap_or_default()));
    }
}
