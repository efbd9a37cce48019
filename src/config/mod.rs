//! The settings of each subcommand, as plain structs. `cli` creates them once, right after parsing.

mod build;
mod cells;
mod engine;
mod reports;
mod tools;
mod typed;

use std::path::PathBuf;

pub(crate) use build::{Again, BuildConfig, OutputFile};
pub(crate) use cells::CellChoice;
pub(crate) use engine::EngineFlag;
pub(crate) use reports::ReportFile;
pub(crate) use tools::{
    BuilderAction, BuilderConfig, ExplainConfig, ExplainFormat, InitConfig, LintConfig, LintEngine,
    LintFormat, LoginConfig, LogsConfig, PlanConfig, PlanFormat, RenderConfig, RenderOutput,
    RunChoice, RunsConfig, RunsFormat, Shell, ShowConfig,
};
pub(crate) use typed::{Typed, Word, quoted};

/// One subcommand with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Config {
    /// `build` and `matrix`, which differ in [`Selection::unnamed`](crate::matrix::Selection::unnamed).
    Build(Box<BuildConfig>),
    Render(Box<RenderConfig>),
    Plan(Box<PlanConfig>),
    Explain(Box<ExplainConfig>),
    Lint(Box<LintConfig>),
    Runs(RunsConfig),
    /// `runs show`
    Show(ShowConfig),
    Logs(LogsConfig),
    Builder(BuilderConfig),
    Init(InitConfig),
    Login(LoginConfig),
    /// The host of the registry, as given.
    Logout(String),
    Schema,
    Completions(Shell),
    /// The directory of the pages; without one they go to stdout.
    Man(Option<PathBuf>),
}
