//! The commands that do not build.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::{CellChoice, EngineFlag, ReportFile};
use crate::record::{RunId, Wanted};

/// Settings of `render`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderConfig {
    pub cells: CellChoice,
    pub output: RenderOutput,
}

/// What `render` writes, and where. With `check`, it only compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RenderOutput {
    /// The Dockerfiles, to stdout.
    Stdout,
    /// The Dockerfiles, to this directory.
    Directory { path: PathBuf, check: bool },
    /// The `files` of the matrix.
    Files { check: bool },
}

/// Settings of `plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanConfig {
    pub cells: CellChoice,
    pub format: PlanFormat,
    /// The axes that group cells into jobs of [`PlanFormat::Github`].
    pub group_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    Table,
    Json,
    /// A strategy matrix for GitHub Actions.
    Github,
    /// A file for `docker buildx bake`.
    Bake,
}

/// Settings of `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExplainConfig {
    /// It selects one cell.
    pub cells: CellChoice,
    pub format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExplainFormat {
    Text,
    Json,
}

/// Settings of `lint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LintConfig {
    pub cells: CellChoice,
    pub format: LintFormat,
    /// The Compose files to check; none if they are searched for.
    pub compose: Vec<PathBuf>,
    pub engine: LintEngine,
}

/// The engine that runs BuildKit's own checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LintEngine {
    /// Skip these checks.
    Unused,
    /// Use this engine, which must be available if a flag names it.
    Used(EngineFlag),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LintFormat {
    Text,
    Json,
    Sarif,
    /// Annotations for GitHub Actions.
    Github,
}

/// Settings of `runs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunsConfig {
    /// The matrix whose runs are listed.
    pub file: PathBuf,
    pub record: Wanted,
    /// The runs of all matrices.
    pub all: bool,
    pub format: RunsFormat,
}

/// Settings of `runs show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShowConfig {
    /// The matrix of the run.
    pub file: PathBuf,
    pub record: Wanted,
    pub run: RunChoice,
    /// What is written about the run, in place of the report.
    pub reports: Vec<ReportFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunsFormat {
    Table,
    Json,
}

/// Settings of `logs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogsConfig {
    /// The matrix of the run.
    pub file: PathBuf,
    pub record: Wanted,
    /// Names and globs.
    pub cells: Vec<String>,
    pub run: Option<RunChoice>,
    pub follow: bool,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunChoice {
    /// Of this matrix, counted back from the last one, which is 1.
    Number(NonZeroUsize),
    Id(RunId),
}

/// Settings of `login`; the password comes from stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginConfig {
    /// Host of the registry, as given.
    pub registry: String,
    pub username: String,
}

/// Settings of `builder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuilderConfig {
    pub action: BuilderAction,
    /// The address of the Docker Engine, if it was given.
    pub host: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BuilderAction {
    /// The options are not parsed yet.
    Create {
        image: Option<String>,
        config: Option<PathBuf>,
        options: Vec<String>,
    },
    List,
    Remove {
        keep_state: bool,
    },
}

/// Settings of `init`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InitConfig {
    /// Directory of the new matrix.
    pub directory: PathBuf,
    /// Overwrite existing files.
    pub force: bool,
}

/// The shells that `completions` knows.
#[allow(clippy::enum_variant_names)] // PowerShell is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    PowerShell,
    Zsh,
}
