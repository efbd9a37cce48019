//! The files that describe a run: checked before it, written after it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::ReportFile;
use crate::error::{Error, ErrorKind};
use crate::record::{Recorded, Steps};
use crate::reporters::{self, MAX_SUMMARY};
use crate::run::terminal;
use crate::workspace::reports;

/// The variables that name the files of a step of GitHub Actions.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
const STEP_OUTPUT: &str = "GITHUB_OUTPUT";

/// The variables that say that there is such a step, and where its repository is.
const ACTIONS: &str = "GITHUB_ACTIONS";
const WORKSPACE: &str = "GITHUB_WORKSPACE";

/// The files to write.
pub(super) struct Reports {
    files: Vec<ReportFile>,
    /// Files that GitHub Actions names; they may have content of other commands of the same step.
    step_summary: Option<PathBuf>,
    step_output: Option<PathBuf>,
    /// The current directory, relative to the repository, if GitHub Actions shows annotations.
    annotated: Option<PathBuf>,
}

impl Reports {
    /// Checks that `files` can be written, and that no two of them are the same.
    pub(super) fn new(files: &[ReportFile]) -> Result<Self, Error> {
        let mut known = Vec::new();
        for file in files {
            let place = reports::check(&file.path)?;
            if known.contains(&place) {
                let message = format!("{} is named for two reports", file.path.display());
                let error = Error::new(ErrorKind::Usage, message);
                return Err(error.help("name a file of its own for each report"));
            }
            known.push(place);
        }
        Ok(Self { files: files.to_vec(), step_summary: None, step_output: None, annotated: None })
    }

    /// The same, with the files of a step of GitHub Actions.
    pub(super) fn of_step(
        files: &[ReportFile],
        variable: fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let named = |name| variable(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let has_summary = files.iter().any(|file| file.form == reporters::Form::Summary);
        let step_summary = named(STEP_SUMMARY).filter(|_| !has_summary);
        let step_output = named(STEP_OUTPUT);
        for (name, path) in [(STEP_SUMMARY, &step_summary), (STEP_OUTPUT, &step_output)] {
            if let Some(path) = path {
                let help = format!("{name} names this file: unset it, or correct it");
                reports::appendable(path).map_err(|error| error.help(help))?;
            }
        }
        let annotated = variable(ACTIONS).filter(|value| value == "true").map(|_| in_repository());
        Ok(Self { step_summary, step_output, annotated, ..Self::new(files)? })
    }

    /// What of a run they need; `None` if there are none.
    pub(super) fn wanted(&self) -> Option<Steps> {
        let is_step =
            self.step_summary.is_some() || self.step_output.is_some() || self.annotated.is_some();
        match self.files.iter().any(|file| file.form.has_steps()) {
            true => Some(Steps::Kept),
            false => (is_step || !self.files.is_empty()).then_some(Steps::Left),
        }
    }

    /// Writes all of them, and nothing else is done after it.
    pub(super) fn written(&self, run: &Recorded) -> Result<ExitCode, Error> {
        let mut errors = self.write(run);
        let last = errors.pop();
        errors.iter().for_each(terminal::error);
        last.map_or(Ok(ExitCode::SUCCESS), Err)
    }

    /// Whether they show the images of single platforms.
    pub(super) fn shows_images(&self) -> bool {
        let shows = |file: &ReportFile| {
            matches!(file.form, reporters::Form::Summary | reporters::Form::Metadata)
        };
        self.step_summary.is_some() || self.files.iter().any(shows)
    }

    /// Writes all of them; returns the errors.
    pub(super) fn write(&self, run: &Recorded) -> Vec<Error> {
        let write =
            |file: &ReportFile| reports::put(&file.path, &reporters::report(file.form, run));
        let written = self.files.iter().map(write);
        let summary = self.step_summary.iter().map(|path| append_summary(path, run));
        let output = self.step_output.iter().map(|path| append_output(path, run));
        written.chain(summary).chain(output).filter_map(Result::err).collect()
    }

    /// Annotations for GitHub Actions; empty elsewhere.
    pub(super) fn annotations(&self, run: &Recorded) -> String {
        let directory = self.annotated.as_deref();
        directory.map_or_else(String::new, |directory| reporters::annotations(run, directory))
    }
}

/// The current directory, relative to the repository of a step of GitHub Actions; empty elsewhere.
pub(super) fn in_repository() -> PathBuf {
    let below = || {
        let repository = fs::canonicalize(env::var_os(WORKSPACE)?).ok()?;
        let current = fs::canonicalize(env::current_dir().ok()?).ok()?;
        current.strip_prefix(repository).map(Path::to_path_buf).ok()
    };
    below().unwrap_or_default()
}

fn append_summary(path: &Path, run: &Recorded) -> Result<(), Error> {
    let size = usize::try_from(reports::appendable(path)?).unwrap_or(usize::MAX);
    // What is there may have no line break at its end.
    let separator = if size > 0 { "\n\n" } else { "" };
    let room = MAX_SUMMARY.saturating_sub(size).saturating_sub(separator.len());
    match reporters::summary(run, room) {
        text if text.is_empty() => Ok(()),
        text => reports::append(path, &format!("{separator}{text}")),
    }
}

fn append_output(path: &Path, run: &Recorded) -> Result<(), Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(ErrorKind::Environment, format!("there are no random numbers: {error}"))
    })?;
    let delimiter: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let outputs = reporters::outputs(run, &delimiter);
    for name in outputs.left_out {
        terminal::stderr(&format!(
            "warning: the output `{name}` is not set: GitHub accepts outputs of 1 MB in all; \
             --metadata-file writes the same into a file\n"
        ));
    }
    reports::append(path, &outputs.lines)
}
