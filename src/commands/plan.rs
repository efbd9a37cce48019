//! `onebuild plan`: what would be built.

use std::process::ExitCode;

use super::{output, prepare};
use crate::cli::{PlanArgs, PlanFormat};
use crate::error::Error;
use crate::matrix::{Matrix, Unnamed};
use crate::plan;

pub(super) fn run(matrix: &Matrix, args: &PlanArgs) -> Result<ExitCode, Error> {
    let cells = prepare::cells(matrix, &args.select, Unnamed::Everything)?;
    // Only to find what is wrong with the templates now and not at the build.
    prepare::requests(matrix, &cells, &args.select, &Default::default())?;
    output::stdout(&match args.format {
        PlanFormat::Table => plan::table(&cells),
        PlanFormat::Json => plan::json(&cells),
        PlanFormat::Github | PlanFormat::Bake => String::new(),
    });
    Ok(ExitCode::SUCCESS)
}
