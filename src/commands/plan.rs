//! `onebuild plan`: shows the cells and their settings.

use std::process::ExitCode;

use super::{prepare, shown};
use crate::config::{PlanConfig, PlanFormat};
use crate::error::{Error, ErrorKind, visible};
use crate::matrix::Matrix;
use crate::plan;
use crate::run::terminal;
use crate::workspace::axis_sources;
use crate::workspace::needs;
use crate::workspace::needs::Purpose;

pub(super) fn run(matrix: &Matrix, config: &PlanConfig) -> Result<ExitCode, Error> {
    if !config.group_by.is_empty() && config.format != PlanFormat::Github {
        let error = Error::new(ErrorKind::Usage, "--group-by requires --format github");
        return Err(error.help("add --format github"));
    }
    // Every format renders the templates, to find their errors before a build.
    let (prepared, warnings) =
        prepare::judged(matrix, &config.cells, &Default::default(), Purpose::Plan)?;
    let prepare::Prepared { cells, requests, needs, .. } = prepared.buildable()?;
    let strict = config.cells.strict;
    if strict && config.format == PlanFormat::Table && warnings.has_warnings() {
        // The table helps to understand the errors; a program must not continue with other formats.
        shown::table(&cells);
    }
    terminal::warn(&warnings, strict)?;
    axis_sources::summary(matrix).lines().for_each(note);
    // JSON has fields for them, and bake has its own permissions.
    if matches!(config.format, PlanFormat::Table | PlanFormat::Github) {
        needs::tell(&needs);
    }
    match config.format {
        PlanFormat::Table => shown::summary(&cells),
        PlanFormat::Json => {
            terminal::buffered().done(|out| plan::write_json(&cells, &needs.beyond(), out));
        }
        PlanFormat::Github => {
            let strategy = plan::github(matrix, &cells, &config.group_by)?;
            note(&strategy.grouping);
            terminal::stdout(&strategy.json);
        }
        PlanFormat::Bake => {
            let bake = plan::bake(&requests);
            bake.notes.iter().for_each(|text| note(text));
            terminal::buffered().done(|out| bake.write(out));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn note(text: &str) {
    terminal::stderr(&format!("note: {}\n", visible(text)));
}
