//! The files that describe a run.

use std::path::PathBuf;

use crate::reporters::Form;

/// A file that describes a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportFile {
    pub form: Form,
    pub path: PathBuf,
}
