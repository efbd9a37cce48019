//! `build` and `matrix`.

use super::cells;
use super::given::Given;
use super::record;
use super::reports;
use crate::cli::args::{BuildArgs, EngineArgs, OutputArgs, RunArgs};
use crate::cli::flags::OutputFlag;
use crate::config::{Again, BuildConfig, EngineFlag};
use crate::error::Error;
use crate::input::TimeLimits;
use crate::matrix::Unnamed;
use crate::plan::{BuildOptions, Output};
use crate::progress::Mode;

pub(crate) fn build(
    args: BuildArgs,
    given: Given<'_>,
    unnamed: Unnamed,
) -> Result<BuildConfig, Error> {
    let BuildArgs { cells, select, inputs, output, run, reports } = args;
    let OutputArgs { push, load, output, dry_run } = output;
    let RunArgs {
        engine,
        jobs,
        test_jobs,
        // `--keep-going` is the default, and clap has already applied it to `fail_fast`.
        keep_going: _,
        fail_fast,
        retries,
        timeout,
        idle_timeout,
        engine_wait,
        reclaim,
        no_cache,
        pull,
        provenance,
        history,
        skip_test,
        progress,
        quiet,
        verbose,
        record,
    } = run;
    // The variable of `--progress` counts less than the short flags.
    let progress = match (quiet, verbose) {
        (true, _) => Mode::Quiet,
        (_, true) => Mode::Plain,
        _ => progress,
    };
    let (output, is_nothing) = match output {
        Some(OutputFlag::File(file)) => (Some(file), false),
        Some(OutputFlag::Nothing) => (None, true),
        None => (None, false),
    };
    let options = BuildOptions {
        output: match (push, load) {
            _ if is_nothing => Output::Nothing,
            (true, true) => Output::StoreAndPush,
            (true, false) => Output::Push,
            (false, _) => Output::Store,
        },
        no_cache,
        pull,
        // No image, no attestation.
        provenance: provenance && !is_nothing,
        history,
        skip_smoke: skip_test,
        strict: select.strict,
        retries,
        // Only the disk knows.
        output_is_directory: false,
    };
    let again = match record.resume.clone() {
        Some(run) => Some(Again::Resume(run)),
        None => record.failed.then_some(Again::Failed),
    };
    let wait = record.wait;
    let (record, retention) = record::of_run(record, given.surroundings)?;
    let typed = given.typed.clone();
    let cells = cells::choice(cells.cells, select, inputs, given, unnamed)?;
    Ok(BuildConfig {
        cells,
        options,
        output,
        dry_run,
        engine: engine_flag(engine),
        jobs,
        test_jobs,
        fail_fast,
        limits: TimeLimits { cell: timeout, idle: idle_timeout },
        engine_wait,
        reclaim,
        progress,
        record,
        retention,
        wait,
        reports: reports::reports(reports)?,
        again,
        typed,
    })
}

/// The flag that names the engine.
pub(super) fn engine_flag(args: EngineArgs) -> EngineFlag {
    match args {
        EngineArgs { host: Some(host), .. } => EngineFlag::Host(host),
        EngineArgs { host: None, builder: Some(name) } => EngineFlag::Builder(name),
        EngineArgs { host: None, builder: None } => EngineFlag::None,
    }
}
