//! The files that describe a run.

use std::path::{Path, PathBuf};

use crate::cli::args::ReportArgs;
use crate::config::ReportFile;
use crate::error::{Error, ErrorKind};
use crate::reporters::Form;

/// The files.
pub(super) fn reports(args: ReportArgs) -> Result<Vec<ReportFile>, Error> {
    let ReportArgs { summary, metadata_file, junit, timings } = args;
    let file = |form, path: Option<PathBuf>| path.map(|path| ReportFile { form, path });
    let mut files: Vec<ReportFile> = Vec::new();
    files.extend(file(Form::Summary, summary));
    files.extend(file(Form::Metadata, metadata_file));
    files.extend(file(Form::Junit, junit));
    files.extend(timings.into_iter().map(|timings| timings.0));
    if files.iter().any(|file| file.path == Path::new("-")) {
        return Err(Error::new(ErrorKind::Usage, "a report is not written to stdout")
            .help("name a file of its own for each report"));
    }
    Ok(files)
}
