//! The commands that do not build.

use super::build::engine_flag;
use super::cells;
use super::given::Given;
use super::record;
use super::reports;
use crate::cli::args::{
    BuilderArgs, BuilderCommand, BuilderCreateArgs, BuilderRemoveArgs, DockerHostArgs, ExplainArgs,
    InitArgs, InputArgs, LintArgs, LoginArgs, LogsArgs, PlanArgs, RenderArgs, RunsArgs,
    RunsCommand, ShowArgs,
};
use crate::config::{
    BuilderAction, BuilderConfig, Config, ExplainConfig, InitConfig, LintConfig, LintEngine,
    LoginConfig, LogsConfig, PlanConfig, RenderConfig, RenderOutput, RunsConfig, ShowConfig,
};
use crate::error::Error;
use crate::matrix::Unnamed;

pub(crate) fn render(args: RenderArgs, given: Given<'_>) -> Result<RenderConfig, Error> {
    let RenderArgs { out, files, check, cells, select } = args;
    let output = match out {
        _ if files => RenderOutput::Files { check },
        Some(path) => RenderOutput::Directory { path, check },
        None => RenderOutput::Stdout,
    };
    let inputs = InputArgs::default();
    let cells = cells::choice(cells.cells, select, inputs, given, Unnamed::Everything)?;
    Ok(RenderConfig { cells, output })
}

pub(crate) fn plan(args: PlanArgs, given: Given<'_>) -> Result<PlanConfig, Error> {
    let PlanArgs { format, group_by, cells, select, inputs } = args;
    let cells = cells::choice(cells.cells, select, inputs, given, Unnamed::Everything)?;
    Ok(PlanConfig { cells, format, group_by })
}

pub(crate) fn explain(args: ExplainArgs, given: Given<'_>) -> Result<ExplainConfig, Error> {
    let ExplainArgs { cell, format, select, inputs } = args;
    let cells = cells::choice(vec![cell], select, inputs, given, Unnamed::Everything)?;
    Ok(ExplainConfig { cells, format })
}

pub(crate) fn lint(args: LintArgs, given: Given<'_>) -> Result<LintConfig, Error> {
    let LintArgs { format, compose, no_engine, engine, cells, select } = args;
    let engine = match no_engine {
        true => LintEngine::Unused,
        false => LintEngine::Used(engine_flag(engine)),
    };
    let inputs = InputArgs::default();
    let cells = cells::choice(cells.cells, select, inputs, given, Unnamed::Everything)?;
    Ok(LintConfig { cells, format, compose, engine })
}

pub(crate) fn runs(args: RunsArgs, given: Given<'_>) -> Result<Config, Error> {
    let RunsArgs { command, all, format, matrix, place } = args;
    if let Some(RunsCommand::Show(show)) = command {
        return self::show(show, given).map(Config::Show);
    }
    let file = (given.surroundings.matrix_file)(matrix.file);
    Ok(Config::Runs(RunsConfig { file, record: record::place(place), all, format }))
}

fn show(args: ShowArgs, given: Given<'_>) -> Result<ShowConfig, Error> {
    let ShowArgs { run, matrix, place, reports } = args;
    let file = (given.surroundings.matrix_file)(matrix.file);
    let reports = reports::reports(reports)?;
    Ok(ShowConfig { file, record: record::place(place), run, reports })
}

pub(crate) fn logs(args: LogsArgs, given: Given<'_>) -> LogsConfig {
    let LogsArgs { cells, run, follow, matrix, place } = args;
    let file = (given.surroundings.matrix_file)(matrix.file);
    LogsConfig { file, record: record::place(place), cells, run, follow }
}

pub(crate) fn login(args: LoginArgs) -> LoginConfig {
    let LoginArgs { registry, username, password_stdin: _ } = args;
    LoginConfig { registry, username }
}

pub(crate) fn builder(args: BuilderArgs) -> BuilderConfig {
    let (action, DockerHostArgs { host }) = match args.command {
        BuilderCommand::Create(BuilderCreateArgs { image, config, driver_opt, host }) => {
            (BuilderAction::Create { image, config, options: driver_opt }, host)
        }
        BuilderCommand::Ls(host) => (BuilderAction::List, host),
        BuilderCommand::Rm(BuilderRemoveArgs { keep_state, host }) => {
            (BuilderAction::Remove { keep_state }, host)
        }
    };
    BuilderConfig { action, host }
}

pub(crate) fn init(args: InitArgs) -> InitConfig {
    let InitArgs { folder, force } = args;
    InitConfig { directory: folder, force }
}
