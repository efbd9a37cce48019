//! The files that describe a run.

use std::path::PathBuf;

use clap::Args;

use crate::cli::flags::TimingsFlag;

/// What is written about a run, besides what is printed.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportArgs {
    /// Write a summary of the run, in Markdown [default: append it to the file that GitHub Actions names in
    /// GITHUB_STEP_SUMMARY]
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
    /// Write the references, digests and results of all cells, as JSON
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Write the results of cells and smoke tests, as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write when each cell and step ran: a page for FILE.html, a Chrome trace for FILE.json. May be given
    /// twice
    #[arg(long, value_name = "FILE")]
    pub timings: Vec<TimingsFlag>,
}
