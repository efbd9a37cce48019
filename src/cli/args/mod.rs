//! The structs that clap fills: each flag with its help.

mod build;
mod inputs;
mod record;
mod reports;
mod select;
mod tools;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use build::{BuildArgs, EngineArgs, OutputArgs, RunArgs};
pub(crate) use inputs::InputArgs;
pub(crate) use record::{RecordArgs, RecordPlaceArgs};
pub(crate) use reports::ReportArgs;
pub(crate) use select::{CellArgs, FileArgs, SelectArgs};
pub(crate) use tools::{
    BuilderArgs, BuilderCommand, BuilderCreateArgs, BuilderRemoveArgs, CompletionsArgs,
    DockerHostArgs, ExplainArgs, InitArgs, LintArgs, LoginArgs, LogoutArgs, LogsArgs, ManArgs,
    PlanArgs, RenderArgs, RunsArgs, RunsCommand, ShowArgs,
};

/// The daily command lines, and the exit codes. Each line fits into 80 columns.
const EXAMPLES_AND_CODES: &str = "\
Examples:
  onebuild plan                     What would be built: cells, platforms, images
  onebuild build                    Build the defaults, into the engine's store
  onebuild build 2.0.13-alpine      Build one cell; '2.0.*' matches several
  onebuild matrix --push            Build, test and push everything
  onebuild matrix -n --push         What would be pushed, and where
  onebuild matrix --only os=alpine  Some cells; each axis is a flag too: --os alpine
  onebuild explain 2.0.13-alpine    Every value of a cell, and where it is set

Without a matrix.yaml, start with `onebuild init`.

Exit codes:
  0   success
  1   a cell failed; with `render --check`: files are out of date
  2   wrong usage, or a missing grant
  3   the matrix or a template is wrong, or `lint` found errors
  4   a problem with the engine, a registry, a login or a file
  70  a bug in onebuild
  130 interrupted by Ctrl-C; 143 or 129 by SIGTERM or SIGHUP";

/// Builds and pushes a matrix of container images from a few Dockerfile templates.
#[derive(Debug, Parser)]
#[command(name = "onebuild", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXAMPLES_AND_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Log the communication with the engine and the registries to a file, for a bug report;
    /// secrets are redacted [env: ONEBUILD_LOG]
    #[arg(long, global = true, value_name = "FILE")]
    pub debug: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build some cells; an axis without a selection uses its default
    Build(BuildArgs),
    /// Build all cells, or all selected cells
    Matrix(BuildArgs),
    /// Print what would be built
    Plan(PlanArgs),
    /// Print every value of one cell, and where it comes from
    Explain(ExplainArgs),
    /// Report errors and bad practice, without building
    Lint(LintArgs),
    /// Print the rendered Dockerfiles, or write them to a directory
    Render(RenderArgs),
    /// List the recorded runs, or show one
    Runs(RunsArgs),
    /// Print the log of a cell of a recorded run, also while it runs
    Logs(LogsArgs),
    /// Create a matrix.yaml, if possible from a Makefile, Dockerfiles and a Compose file
    Init(InitArgs),
    /// Log in to a registry and store the login for Docker and onebuild
    Login(LoginArgs),
    /// Remove the login of a registry
    Logout(LogoutArgs),
    /// Manage the BuildKit container that `--builder onebuild` uses
    Builder(BuilderArgs),
    /// Print the script that sets up completion in a shell
    Completions(CompletionsArgs),
    /// Print the JSON schema of matrix.yaml, for editors
    Schema,
    /// Print the manual page
    Man(ManArgs),
}
