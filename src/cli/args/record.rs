//! The record of a run.

use clap::Args;

use crate::cli::flags::record;
use crate::record::Wanted;

/// Whether and where a run is recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub place: RecordPlaceArgs,
    /// Do not record the run
    #[arg(long, overrides_with = "record")]
    pub no_record: bool,
}

/// Where runs are recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordPlaceArgs {
    /// Directory of the records of runs, which `runs` and `logs` read; `off` is none [default:
    /// onebuild/runs in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "ONEBUILD_RECORD", value_name = "DIR", value_parser = record)]
    pub record: Option<Wanted>,
}
