//! The record of a run.

use clap::Args;

use crate::cli::flags::{record, run_choice};
use crate::config::RunChoice;
use crate::record::Wanted;

/// Whether and where a run is recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub place: RecordPlaceArgs,
    /// Do not record the run
    #[arg(long, overrides_with = "record")]
    pub no_record: bool,
    /// Wait for another run that pushes the same tags; without it, that is an error
    #[arg(long)]
    pub wait: bool,
    /// Build only the cells that were not built in the last run of this matrix, with its flags
    #[arg(long, conflicts_with = "resume")]
    pub failed: bool,
    /// Continue a recorded run with its flags, by default the last one of this matrix: leave out
    /// what it pushed, unless the recipe or the context has changed
    #[arg(long, value_name = "RUN", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "1", value_parser = run_choice)]
    pub resume: Option<RunChoice>,
}

/// Where runs are recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordPlaceArgs {
    /// Directory of the records of runs, which `runs` and `logs` read; `off` is none [default:
    /// onebuild/runs in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "ONEBUILD_RECORD", value_name = "DIR", value_parser = record)]
    pub record: Option<Wanted>,
}
