//! One file or directory for each subcommand, and what they share to plan: wiring only.
//!
//! The command line is read in `cli`, the user's files in `workspace`. What belongs to the process,
//! such as the terminal and signals, is in `run`.

mod build;
mod completions;
mod explain;
mod init;
mod inputs;
mod lint;
mod man;
mod plan;
mod prepare;
mod render;
mod schema;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{self, Early, ParseError, Surroundings};
use crate::config::{CellChoice, Config};
use crate::error::Error;
use crate::matrix::{Matrix, Sheet};
use crate::run::{debug_log, guard, terminal};
use crate::workspace::{self, matrix};

/// A variable of the environment.
const VARIABLE: fn(&str) -> Option<OsString> = |name| std::env::var_os(name);

/// Runs the program: reads `args`, the program's name first, and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    guard(|| run_command(args))
}

fn run_command(args: Vec<OsString>) -> ExitCode {
    let done = debug_log::start(&args, workspace::debug_log::open).and_then(|()| dispatch(&args));
    let done = done.and_then(|code| terminal::lost().map_or(Ok(code), Err));
    match done {
        Ok(code) => {
            debug_log::end(code);
            code
        }
        Err(error) => {
            terminal::stderr(&error.render(terminal::stderr_has_colour()));
            let code = ExitCode::from(error.exit_code());
            debug_log::end(code);
            code
        }
    }
}

fn dispatch(args: &[OsString]) -> Result<ExitCode, Error> {
    // The axes are flags, so the matrix is read before the command line is. An error in it matters only
    // if the command line has no mistake, or has a flag that may be an axis.
    let early = Early::read(args, VARIABLE);
    let (named, grants) = (early.file.as_deref(), &early.grants);
    let (sheet, axes) = match matrix::sheet(named, grants) {
        Ok(sheet) => {
            let axes = cli::axis_flags(&sheet.axes());
            (Ok(sheet), axes)
        }
        Err(error) => (Err(error), Vec::new()),
    };
    let matrix_file = |path: PathBuf| matrix::place(&path);
    let config =
        match cli::parse(args, Surroundings { axes: &axes, variable: VARIABLE, matrix_file }) {
            Ok(config) => config,
            Err(ParseError::Value(error)) => return Err(error),
            Err(ParseError::Usage(usage)) if usage.is_unknown_flag() && sheet.is_err() => {
                return Err(sheet.expect_err("it was just found to be one"));
            }
            Err(ParseError::Usage(usage)) => return Ok(usage.print()),
        };
    match config {
        Config::Build(config) => build::run(&usable(sheet, &config.cells)?, &config),
        Config::Render(config) => render::run(&usable(sheet, &config.cells)?, &config),
        Config::Plan(config) => plan::run(&usable(sheet, &config.cells)?, &config),
        Config::Explain(config) => explain::run(&usable(sheet, &config.cells)?, &config),
        // It reports what is wrong with the matrix itself.
        Config::Lint(config) => lint::run(sheet, &config),
        Config::Init(config) => init::run(&config),
        Config::Schema => schema::run(),
        Config::Completions(shell) => {
            let matrix = sheet.ok().and_then(|sheet| matrix::at_hand(&sheet, named, grants));
            completions::run(shell, matrix.as_ref())
        }
        Config::Man(out) => man::run(out.as_deref()),
    }
}

/// The matrix. Its warnings are shown together with those of its cells.
fn usable(sheet: Result<Sheet, Error>, cells: &CellChoice) -> Result<Matrix, Error> {
    matrix::matrix(&sheet?, cells)
}
