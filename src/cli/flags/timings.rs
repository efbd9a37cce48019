//! `--timings`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::ReportFile;
use crate::reporters::Form;

/// A file whose name says its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimingsFlag(pub ReportFile);

impl FromStr for TimingsFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "htm") => Form::TimingsPage,
            Some("json") => Form::Trace,
            _ => {
                return Err(
                    "write FILE.html for a page, or FILE.json for a Chrome trace".to_owned()
                );
            }
        };
        Ok(Self(ReportFile { form, path }))
    }
}
