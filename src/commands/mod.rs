//! One file or directory for each subcommand, and the planning that they share. No logic of its own.
//!
//! `cli` parses the command line, `workspace` accesses the user's files, and `run` handles the process:
//! the terminal, signals and the debug log.

mod build;
mod builder;
mod completions;
mod explain;
mod init;
mod inputs;
mod lint;
mod login;
mod logs;
mod man;
mod plan;
mod prepare;
mod records;
mod render;
mod reports;
mod runs;
mod schema;
mod show;
mod shown;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{self, Early, ParseError, Surroundings};
use crate::config::{CellChoice, Config};
use crate::error::{Diagnostic, Error, visible};
use crate::input::Root;
use crate::matrix::{Axis, Matrix, Sheet};
use crate::progress::Mode;
use crate::run::{debug_log, guard, terminal};
use crate::workspace::{self, matrix};

/// Reads an environment variable.
const VARIABLE: fn(&str) -> Option<OsString> = |name| std::env::var_os(name);

/// Runs the program: reads `args`, the program's name first, and returns its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    guard(|| run_command(args))
}

fn run_command(args: Vec<OsString>) -> ExitCode {
    // Before the debug log, which a TAB must not overwrite.
    if let Some((shell, words)) = cli::completed(&args, VARIABLE) {
        return completions::complete(shell, words, VARIABLE);
    }
    let done = debug_log::start(&args, workspace::debug_log::open).and_then(|()| dispatch(&args));
    let done = done.and_then(|code| terminal::lost().map_or(Ok(code), Err));
    match done {
        Ok(code) => {
            debug_log::end(code);
            code
        }
        Err(error) => {
            terminal::error(&error);
            let code = ExitCode::from(error.exit_code());
            debug_log::end(code);
            code
        }
    }
}

fn dispatch(args: &[OsString]) -> Result<ExitCode, Error> {
    // The axes are flags, so the matrix is read before the command line is parsed. An error in the matrix
    // matters only if the command line has no mistake, or if an unknown flag may be an axis.
    let early = Early::read(args, VARIABLE);
    let (named, grants) = (early.file.as_deref(), &early.grants);
    let (sheet, axes) = match matrix::sheet(named, grants) {
        Ok(sheet) => {
            let axes = cli::axis_flags(&sheet.axes());
            (Ok(sheet), axes)
        }
        Err(error) => (Err(error), Vec::new()),
    };
    let matrix_file = |path: Option<PathBuf>| {
        let named = path.filter(|path| !path.as_os_str().is_empty());
        matrix::place(&matrix::path(named.as_deref()))
    };
    let surroundings = Surroundings { axes: &axes, variable: VARIABLE, matrix_file };
    let mut before = None;
    let parsed = cli::parse(args, surroundings).and_then(|config| {
        // A part of a recorded run has the flags of that run.
        let Config::Build(build) = &config else { return Ok(config) };
        let Some(again) = &build.again else { return Ok(config) };
        let repeated = build::again::repeated(args, build, again);
        let (args, run) = repeated.map_err(ParseError::Value)?;
        before = Some(run);
        cli::parse(&args, surroundings)
    });
    let config = match parsed {
        Ok(config) => config,
        Err(ParseError::Value(error)) => return Err(error),
        Err(ParseError::Usage(usage)) if usage.is_unknown_flag() && sheet.is_err() => {
            return Err(sheet.expect_err("`is_err` was checked"));
        }
        Err(ParseError::Usage(usage)) => return Ok(usage.print(terminal::stderr_either)),
    };
    if named.is_none() {
        tell(&config);
    }
    match config {
        Config::Build(config) => build::run(&usable(sheet, &config.cells)?, &config, before),
        Config::Render(config) => render::run(&usable(sheet, &config.cells)?, &config),
        Config::Plan(config) => plan::run(&usable(sheet, &config.cells)?, &config),
        Config::Explain(config) => explain::run(&usable(sheet, &config.cells)?, &config),
        // Errors in the matrix are findings of lint.
        Config::Lint(config) => lint::run(sheet, &config),
        Config::Runs(config) => runs::run(&config),
        Config::Show(config) => show::run(&config),
        Config::Logs(config) => logs::run(&config),
        Config::Builder(config) => builder::run(&config),
        Config::Init(config) => init::run(&config),
        Config::Login(config) => login::log_in(&config),
        Config::Logout(registry) => login::log_out(&registry),
        Config::Schema => schema::run(),
        Config::Completions(shell) => completions::run(shell),
        Config::Man(out) => man::run(out.as_deref()),
    }
}

/// Says which matrix is used if it was found above the current directory.
fn tell(config: &Config) {
    let file = match config {
        Config::Build(config) if config.progress == Mode::Quiet => return,
        Config::Build(config) => &config.cells.file,
        Config::Render(config) => &config.cells.file,
        Config::Plan(config) => &config.cells.file,
        Config::Explain(config) => &config.cells.file,
        Config::Lint(config) => &config.cells.file,
        Config::Runs(config) => &config.file,
        Config::Show(config) => &config.file,
        Config::Logs(config) => &config.file,
        Config::Builder(_) | Config::Init(_) => return,
        Config::Login(_) | Config::Logout(_) => return,
        Config::Schema | Config::Completions(_) | Config::Man(_) => return,
    };
    if !Root::of(file).is_here() {
        terminal::stderr(&format!(
            "note: the matrix is {}\n",
            visible(&file.display().to_string())
        ));
    }
}

/// The matrix. Its warnings are shown together with those of its cells.
fn usable(sheet: Result<Sheet, Error>, cells: &CellChoice) -> Result<Matrix, Error> {
    let mut matrix = matrix::matrix(&sheet?, cells)?;
    let hidden: Vec<Diagnostic> = matrix.axes().iter().filter_map(hidden_axis).collect();
    hidden.into_iter().for_each(|finding| matrix.warn(finding));
    Ok(matrix)
}

/// The warning for an axis that has the name of a flag of onebuild.
fn hidden_axis(axis: &Axis) -> Option<Diagnostic> {
    let name = &axis.name;
    let message = format!("the axis `{name}` has no separate flag: --{name} is a flag of onebuild");
    let help = format!("select its values with --only {name}=VALUE, or rename the axis");
    cli::is_flag(name).then(|| {
        Diagnostic::warning(message).rule("axis-is-flag").at(&axis.key_span, "").help(help)
    })
}
