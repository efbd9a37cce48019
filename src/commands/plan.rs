//! `onebuild plan`: what would be built.

use std::process::ExitCode;

use super::prepare;
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
        let error = Error::new(ErrorKind::Usage, "--group-by groups the jobs of --format github");
        return Err(error.help("add --format github"));
    }
    // Whatever the format, to find what is wrong with the templates now and not at the build.
    let (prepare::Prepared { cells, requests, needs, .. }, warnings) =
        prepare::judged(matrix, &config.cells, &Default::default(), Purpose::Plan)?;
    let strict = config.cells.strict;
    if strict && config.format == PlanFormat::Table && warnings.has_warnings() {
        // A person reads the plan to see what the errors are about; a program must not go on with it.
        terminal::stdout(&plan::table(&cells));
    }
    terminal::warn(&warnings, strict)?;
    axis_sources::told(matrix).lines().for_each(note);
    // JSON has them as fields, and bake asks for its own.
    if matches!(config.format, PlanFormat::Table | PlanFormat::Github) {
        needs::tell(&needs);
    }
    match config.format {
        PlanFormat::Table => terminal::stdout(&plan::table(&cells)),
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
