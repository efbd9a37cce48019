//! `onebuild completions`, and the candidates at a TAB.

use std::ffi::OsString;
use std::process::ExitCode;

use super::records;
use crate::cli::{self, Early, Known};
use crate::config::Shell;
use crate::error::Error;
use crate::record::Wanted;
use crate::run::terminal;
use crate::workspace::matrix;

pub(super) fn run(shell: Shell) -> Result<ExitCode, Error> {
    terminal::stdout(&cli::completion_script(shell));
    Ok(ExitCode::SUCCESS)
}

/// Prints the candidates for the last of `words`. Files are read, but no program runs and nothing is
/// fetched. Errors are left for the command itself.
pub(super) fn complete(
    shell: Shell,
    words: &[OsString],
    variable: fn(&str) -> Option<OsString>,
) -> ExitCode {
    let Early { file, grants } = Early::read(words, variable);
    // A pipe would be empty when the command reads it.
    let is_file = file.as_deref().is_none_or(|path| !matrix::is_piped(path));
    let sheet = is_file.then(|| matrix::sheet(file.as_deref(), &grants).ok()).flatten();
    let matrix = sheet.as_ref().and_then(|sheet| matrix::offline(sheet, file.as_deref(), &grants));
    let axes = match (&matrix, &sheet) {
        (Some(matrix), _) => matrix.axes().to_vec(),
        (None, Some(sheet)) => sheet.axes(),
        (None, None) => Vec::new(),
    };
    let known = Known { axes, matrix: matrix.map(Into::into), runs: runs() };
    let here = std::env::current_dir().ok();
    terminal::stdout(&cli::candidates(shell, words, here.as_deref(), known));
    ExitCode::SUCCESS
}

/// The names of the recorded runs in the usual place, newest first.
fn runs() -> Vec<String> {
    let directory = records::directory(&Wanted::Default);
    let entries = directory.and_then(|directory| records::all(&directory)).unwrap_or_default();
    entries.iter().map(|entry| entry.id.to_string()).collect()
}
