//! The commands that build nothing.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::{InputArgs, SelectArgs};

/// `render`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("written").args(["out", "files"]))]
pub struct RenderArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    /// Write CELL.Dockerfile into this folder for each cell
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the `files` of the matrix instead, such as docker-compose.yml; they depend on no
    /// selection
    #[arg(long)]
    pub files: bool,
    /// Write nothing; exit with 1 and show a diff when the folder, or the `files`, hold anything else
    /// than would be written. In a folder files of other cells count too, unless only some cells are
    /// selected
    #[arg(long, requires = "written")]
    pub check: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
    /// How the plan is written
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
    /// With --format github: one job for each value of this axis, or of these axes together
    #[arg(long, value_name = "AXIS", value_delimiter = ',')]
    pub group_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// A strategy matrix for GitHub Actions: one line for `fromJSON`, 256 jobs at most
    Github,
    /// For `docker buildx bake -f -`, which then builds the very same images
    Bake,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
    /// The cell, by its name as `plan` shows it, or any of its images
    #[arg(value_name = "CELL")]
    pub cell: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Text,
    Json,
}

/// `lint`.
#[derive(Debug, Args)]
pub struct LintArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    /// How findings are written
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub format: LintFormat,
    /// Look at this Compose file, and not at those found by their names beside the matrix and up to
    /// three folders below it
    #[arg(long, value_name = "FILE")]
    pub compose: Vec<PathBuf>,
    /// Do not ask an engine for BuildKit's own findings, even when there is one
    #[arg(long, conflicts_with = "host")]
    pub no_engine: bool,
    /// Where the engine listens; named, it has to answer [default: where `build` looks, if any answers]
    #[arg(short = 'H', long, value_name = "ENDPOINT")]
    pub host: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For code scanning
    Sarif,
    /// Annotations in a run of GitHub Actions
    Github,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder to begin in
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell; the script is printed
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write onebuild.1 and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
