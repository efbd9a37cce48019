//! `onebuild runs show`: the report of a recorded run, again or in another form.

use std::process::ExitCode;

use indexmap::IndexMap;

use super::records;
use super::reports::Reports;
use crate::config::ShowConfig;
use crate::error::Error;
use crate::progress::terminal_size;
use crate::record::{Recorded, RunId};
use crate::report;
use crate::run::terminal;
use crate::text::{clean, counted};

/// Maximum length of a command and of the line about an engine.
const LINE: usize = 8 << 10;

pub(super) fn run(config: &ShowConfig) -> Result<ExitCode, Error> {
    let reports = Reports::new(&config.reports)?;
    let directory = records::directory(&config.record)?;
    let entry = records::chosen(&directory, &config.file, &config.run)?;
    let run = records::readable(&entry, entry.read_with_steps());
    let run = run.ok_or_else(records::unreadable)?;
    if reports.wanted().is_some() {
        return reports.written(&run);
    }
    let style = report::Style {
        width: terminal_size().map(|size| size.columns),
        paint: terminal::stdout_paint(),
        table: true,
    };
    let text = head(&run) + "\n" + &report::closing(&run.outcomes(), run.elapsed(), style);
    terminal::stdout(&style.paint.shown(&text));
    Ok(ExitCode::SUCCESS)
}

/// What the report does not say: which run it was, whether it has ended, and what it left out.
fn head(run: &Recorded) -> String {
    let head = &run.head;
    let mut lines = vec![
        ("run", format!("{}, {}", head.id, records::when(head.time))),
        ("command", clean(&head.command.text, LINE)),
        ("engine", clean(&head.engine, LINE)),
        ("result", records::result(run)),
    ];
    let mut kept: IndexMap<&RunId, Vec<&str>> = IndexMap::new();
    for (name, cell) in &run.cells {
        if let Some(id) = cell.kept_from() {
            kept.entry(id).or_default().push(name);
        }
    }
    lines.extend(kept.iter().map(|(id, names)| {
        ("kept", format!("{} of the run {id}: {}", counted(names.len(), "cell"), names.join(", ")))
    }));
    let lines = lines.iter().filter(|(_, text)| !text.is_empty());
    lines.map(|(what, text)| format!("{:<9}{text}\n", format!("{what}:"))).collect()
}
