//! One file a subcommand, and what they share: wiring only.
//!
//! Here alone the environment is read, files are loaded, and the terminal is written to.

mod bug;
mod build;
mod completions;
mod debug;
mod destination;
mod explain;
mod init;
mod inputs;
mod lint;
mod listed;
mod man;
mod plan;
mod prepare;
mod render;
mod render_files;
mod schema;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;
use clap::error::ErrorKind as ClapError;

pub use bug::guard;

use crate::cli::{self, Cli, Command, SelectArgs};
use crate::error::{Error, ErrorKind};
use crate::matrix::{Matrix, Sheet};
use crate::run::terminal;
use crate::workspace::{access, matrix};

/// Runs the program: reads `args`, the program's name first, and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    guard(|| run_command(args))
}

fn run_command(args: Vec<OsString>) -> ExitCode {
    let done = debug::start(&args).and_then(|()| dispatch(&args));
    let done = done.and_then(|code| terminal::lost().map_or(Ok(code), Err));
    match done {
        Ok(code) => {
            debug::end(code);
            code
        }
        Err(error) => {
            terminal::stderr(&error.render(terminal::stderr_has_colour()));
            let code = ExitCode::from(error.exit_code());
            debug::end(code);
            code
        }
    }
}

fn dispatch(args: &[OsString]) -> Result<ExitCode, Error> {
    // The axes are flags, so the matrix is read before the command line is; that it cannot be
    // matters only to a command line that is in order otherwise, or that may well name an axis.
    let (sheet, axes) = match matrix::sheet(args) {
        Ok(sheet) => {
            let axes = cli::axis_flags(&sheet.axes());
            (Ok(sheet), axes)
        }
        Err(error) => (Err(error), Vec::new()),
    };
    let parsed = cli::command(&axes).try_get_matches_from(args).and_then(|matches| {
        let picks = cli::axis_picks(&axes, &matches);
        let environment = cli::environment(&matches);
        Cli::from_arg_matches(&matches).map(|cli| (cli.command, picks, environment))
    });
    let (mut command, picks, environment) = match parsed {
        Ok(parsed) => parsed,
        Err(usage) if usage.kind() == ClapError::UnknownArgument && sheet.is_err() => {
            return Err(sheet.expect_err("it was just found to be one"));
        }
        Err(mut usage) => {
            usage::name_the_variable(&mut usage, args);
            usage::hide_secrets(&mut usage);
            // To stdout or stderr as the kind wants it: help is data, a mistake is not.
            let _ = usage.print();
            let code = if usage.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 };
            return Ok(ExitCode::from(code));
        }
    };
    if let Some(select) = command.select_mut() {
        if matrix::is_piped(&select.file) {
            // Its paths are counted from the current directory, and it is not read a second time.
            select.file = matrix::PIPED.into();
        }
        select.axes = picks;
        select.environment = environment;
        select.grants = access::granted(&select.allow)?;
    }
    match command {
        Command::Build(args) => build::run(&usable(sheet, &args.select)?, &args, build::Scope::One),
        Command::Matrix(args) => {
            build::run(&usable(sheet, &args.select)?, &args, build::Scope::All)
        }
        Command::Render(args) => render::run(&usable(sheet, &args.select)?, &args),
        Command::Plan(args) => plan::run(&usable(sheet, &args.select)?, &args),
        Command::Explain(args) => explain::run(&usable(sheet, &args.select)?, &args),
        // What is wrong with the matrix is what it is there to tell.
        Command::Lint(args) => lint::run(sheet, &args),
        Command::Init(args) => init::run(&args),
        Command::Schema => schema::run(),
        Command::Completions(wanted) => {
            let matrix = sheet.ok().and_then(|sheet| matrix::at_hand(&sheet, args));
            completions::run(&wanted, matrix.as_ref())
        }
        Command::Man(args) => man::run(&args),
    }
}

/// The matrix. Its warnings are shown together with those of its cells.
fn usable(sheet: Result<Sheet, Error>, select: &SelectArgs) -> Result<Matrix, Error> {
    matrix::matrix(&sheet?, select)
}
