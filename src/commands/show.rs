//! `onebuild runs show`: the report of a recorded run, again or in another form.

use std::process::ExitCode;

use super::records;
use super::reports::Reports;
use crate::config::ShowConfig;
use crate::error::Error;
use crate::progress::terminal_size;
use crate::record::Entry;
use crate::report;
use crate::run::terminal;

pub(super) fn run(config: &ShowConfig) -> Result<ExitCode, Error> {
    let reports = Reports::new(&config.reports)?;
    let directory = records::directory(&config.record)?;
    let entry = records::chosen(&directory, &config.file, &config.run)?;
    let read = Entry::read_with_steps;
    let run = records::readable(&entry, read(&entry)).ok_or_else(records::unreadable)?;
    if reports.wanted().is_none() {
        let style = report::Style {
            width: terminal_size().map(|size| size.columns),
            paint: terminal::stdout_paint(),
            table: true,
        };
        let text = report::closing(&run.outcomes(), run.elapsed(), style);
        terminal::stdout(&style.paint.shown(&text));
        return Ok(ExitCode::SUCCESS);
    }
    match reports.write(&run).into_iter().next() {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}
