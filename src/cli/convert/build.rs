//! `build` and `matrix`.

use super::cells;
use super::given::Given;
use crate::cli::args::{BuildArgs, OutputArgs, RunArgs};
use crate::config::BuildConfig;
use crate::error::Error;
use crate::matrix::Unnamed;
use crate::plan::{BuildOptions, Output};

pub(crate) fn build(
    args: BuildArgs,
    given: Given<'_>,
    unnamed: Unnamed,
) -> Result<BuildConfig, Error> {
    let BuildArgs { select, inputs, output, run } = args;
    let OutputArgs { push, load, output, dry_run } = output;
    let RunArgs {
        host,
        jobs,
        test_jobs,
        // `--keep-going` is the default, and clap has already applied it to `fail_fast`.
        keep_going: _,
        fail_fast,
        no_cache,
        pull,
        provenance,
        history,
        skip_test,
        progress,
    } = run;
    let options = BuildOptions {
        output: match (push, load) {
            (true, true) => Output::StoreAndPush,
            (true, false) => Output::Push,
            (false, _) => Output::Store,
        },
        no_cache,
        pull,
        provenance,
        history,
        skip_smoke: skip_test,
        // Only the disk knows.
        output_is_directory: false,
    };
    let cells = cells::choice(select, inputs, given, unnamed)?;
    let output = output.map(|flag| flag.0);
    Ok(BuildConfig { cells, options, output, dry_run, host, jobs, test_jobs, fail_fast, progress })
}
