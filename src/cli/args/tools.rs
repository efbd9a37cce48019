//! Arguments of the commands that do not build.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::{CellArgs, EngineArgs, FileArgs, InputArgs, RecordPlaceArgs, ReportArgs, SelectArgs};
use crate::cli::flags::run_choice;
use crate::config::{ExplainFormat, LintFormat, PlanFormat, RunChoice, RunsFormat, Shell};

/// `render`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("written").args(["out", "files"]))]
pub(crate) struct RenderArgs {
    /// Write CELL.Dockerfile to this directory for each cell
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the `files` of the matrix instead, such as docker-compose.yml; they do not depend on the
    /// selection
    #[arg(long)]
    pub files: bool,
    /// Do not write; show a diff and exit with 1 if the directory or the `files` are out of date.
    /// Without a selection, files of unknown cells in the directory count as well
    #[arg(long, requires = "written")]
    pub check: bool,
    #[command(flatten)]
    pub cells: CellArgs,
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
    /// With --format github: one job for each value of this axis, or each combination of these axes
    #[arg(long, value_name = "AXIS", value_delimiter = ',')]
    pub group_by: Vec<String>,
    #[command(flatten)]
    pub cells: CellArgs,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Name of the cell as in `plan`, or one of its tags or images
    #[arg(value_name = "CELL")]
    pub cell: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
}

/// `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
    /// Check this Compose file, instead of the ones found by name next to the matrix and up to three
    /// directories below it
    #[arg(long, value_name = "FILE")]
    pub compose: Vec<PathBuf>,
    /// Do not run BuildKit's own checks, even if an engine is available
    #[arg(long, conflicts_with_all = ["host", "builder"])]
    pub no_engine: bool,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub cells: CellArgs,
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `runs`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Also the runs of other matrices
    #[arg(long)]
    pub all: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = RunsFormat::Table)]
    pub format: RunsFormat,
    #[command(flatten)]
    pub matrix: FileArgs,
    #[command(flatten)]
    pub place: RecordPlaceArgs,
}

/// What `runs` does besides listing.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Print the report of a run again, or write it in another form
    Show(ShowArgs),
}

/// `runs show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The run: its number in `onebuild runs` from the top, or its name
    #[arg(value_name = "N|RUN", default_value = "1", value_parser = run_choice)]
    pub run: RunChoice,
    #[command(flatten)]
    pub matrix: FileArgs,
    #[command(flatten)]
    pub place: RecordPlaceArgs,
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Name of a cell; * and ? match any characters. Without one, the cells of the run are listed
    #[arg(value_name = "CELL")]
    pub cells: Vec<String>,
    /// The run: its number in `onebuild runs` from the top, or its name [default: the last run with
    /// these cells]
    #[arg(long, value_name = "N|RUN", value_parser = run_choice)]
    pub run: Option<RunChoice>,
    /// Print what is added until the cells end
    #[arg(long, requires = "cells")]
    pub follow: bool,
    #[command(flatten)]
    pub matrix: FileArgs,
    #[command(flatten)]
    pub place: RecordPlaceArgs,
}

/// `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Host of the registry, with its port if it has one
    #[arg(value_name = "HOST", default_value = "docker.io")]
    pub registry: String,
    /// User name
    #[arg(short, long, value_name = "NAME")]
    pub username: String,
    /// Read the password or token from stdin, which is the only way to pass it
    #[arg(long, required = true)]
    pub password_stdin: bool,
}

/// `logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// Host of the registry, with its port if it has one
    #[arg(value_name = "HOST", default_value = "docker.io")]
    pub registry: String,
}

/// `builder`.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct BuilderArgs {
    #[command(subcommand)]
    pub command: BuilderCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BuilderCommand {
    /// Create the builder with settings of its own; `--builder onebuild` creates it with the defaults
    Create(BuilderCreateArgs),
    /// List the builder of the engine
    Ls(DockerHostArgs),
    /// Remove the builder and its build cache
    Rm(BuilderRemoveArgs),
}

/// The Docker Engine for the builder.
#[derive(Debug, Args)]
pub(crate) struct DockerHostArgs {
    /// Address of the Docker Engine [default: as for `build`]
    #[arg(short = 'H', long, value_name = "ENDPOINT")]
    pub host: Option<String>,
}

/// `builder create`.
#[derive(Debug, Args)]
pub(crate) struct BuilderCreateArgs {
    /// Image with BuildKit [default: moby/buildkit:buildx-stable-1] [env: ONEBUILD_BUILDER_IMAGE]
    #[arg(long, value_name = "REF")]
    pub image: Option<String>,
    /// buildkitd.toml for the builder [env: ONEBUILD_BUILDER_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Option of its container, as for buildx: network, memory, cpuset-cpus, cpu-quota, cgroup-parent,
    /// env.NAME
    #[arg(long, value_name = "NAME=VALUE")]
    pub driver_opt: Vec<String>,
    #[command(flatten)]
    pub host: DockerHostArgs,
}

/// `builder rm`.
#[derive(Debug, Args)]
pub(crate) struct BuilderRemoveArgs {
    /// Keep the build cache for the next builder
    #[arg(long)]
    pub keep_state: bool,
    #[command(flatten)]
    pub host: DockerHostArgs,
}

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Directory of the new matrix
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell of the script
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write onebuild.1 and a page for each command to this directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
