//! `onebuild completions`: a script for a shell.

use std::process::ExitCode;

use crate::cli;
use crate::config::Shell;
use crate::error::Error;
use crate::matrix::Matrix;
use crate::run::terminal;

pub(super) fn run(shell: Shell, matrix: Option<&Matrix>) -> Result<ExitCode, Error> {
    terminal::stdout(&cli::completion_script(shell, matrix.map(Matrix::axes)));
    Ok(ExitCode::SUCCESS)
}
