//! The files that describe a run.

use std::path::{Path, PathBuf};

use crate::cli::args::ReportArgs;
use crate::config::ReportFile;
use crate::error::{Error, ErrorKind};
use crate::reporters::Form;

/// The files, each of which is named once.
pub(super) fn reports(args: ReportArgs) -> Result<Vec<ReportFile>, Error> {
    let ReportArgs { summary, metadata_file, junit, timings } = args;
    let file = |form, path: Option<PathBuf>| path.map(|path| ReportFile { form, path });
    let mut files: Vec<ReportFile> = Vec::new();
    files.extend(file(Form::Summary, summary));
    files.extend(file(Form::Metadata, metadata_file));
    files.extend(file(Form::Junit, junit));
    files.extend(timings.into_iter().map(|timings| timings.0));
    for (number, one) in files.iter().enumerate() {
        let path = one.path.display();
        if one.path == Path::new("-") {
            return Err(usage("a report is not written to stdout".to_owned()));
        }
        if files[..number].iter().any(|other| other.path == one.path) {
            return Err(usage(format!("{path} is named for two reports")));
        }
    }
    Ok(files)
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message).help("name a file of its own for each report")
}
