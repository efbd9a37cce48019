//! The record of a run.

use crate::cli::args::{RecordArgs, RecordPlaceArgs};
use crate::cli::surroundings::Surroundings;
use crate::error::{Error, ErrorKind};
use crate::record::{Retention, Wanted};

/// The variable that says what is kept of older runs.
const KEEP: &str = "ONEBUILD_RECORD_KEEP";

/// Where a run is recorded, and what is kept of older ones.
pub(super) fn of_run(
    args: RecordArgs,
    surroundings: Surroundings<'_>,
) -> Result<(Wanted, Retention), Error> {
    let RecordArgs { place, no_record, wait: _, failed: _, resume: _ } = args;
    let wanted = if no_record { Wanted::Off } else { self::place(place) };
    let keep = (surroundings.variable)(KEEP).and_then(|keep| keep.into_string().ok());
    let keep = keep.filter(|keep| !keep.trim().is_empty());
    let retention = keep.map_or_else(|| Ok(Retention::default()), |keep| keep.parse());
    let retention = retention.map_err(|why| {
        Error::new(ErrorKind::Usage, format!("{KEEP}: {why}"))
            .help("write a list such as 20,30d,1g: 20 runs, of 30 days, with at most 1 GiB in all")
    })?;
    Ok((wanted, retention))
}

pub(super) fn place(args: RecordPlaceArgs) -> Wanted {
    args.record.unwrap_or_default()
}
