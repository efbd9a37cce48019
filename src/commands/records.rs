//! The recorded runs that `runs` and `logs` read, and how they are described.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::RunChoice;
use crate::error::{Error, ErrorKind, visible, why};
use crate::record::event::{CellResult, MatrixFile, RunHead, Totals};
use crate::record::{Entry, Place, Recorded, State, Timestamp, Wanted, entries, place};
use crate::run::terminal;
use crate::text::{ago, counted};
use crate::workspace::matrix::is_piped;

/// The directory of the records.
pub(super) fn directory(wanted: &Wanted) -> Result<PathBuf, Error> {
    let (message, help) = match place(wanted, |name| env::var_os(name)) {
        Place::Directory(directory) => return Ok(directory),
        Place::Off => (
            "runs are not recorded: ONEBUILD_RECORD or --record is `off`",
            "name the directory of the records with --record DIR",
        ),
        Place::None => (
            "there is no directory of records, because HOME is not set",
            "name the directory of the records with --record DIR",
        ),
    };
    Err(Error::new(ErrorKind::Usage, message).help(help))
}

/// The records in `directory`, newest first.
pub(super) fn all(directory: &Path) -> Result<Vec<Entry>, Error> {
    entries(directory).map_err(|error| {
        let message =
            format!("the records in {} cannot be read: {}", directory.display(), why(&error));
        let help = "name the directory of the records with --record DIR";
        Error::new(ErrorKind::Environment, message).help(help)
    })
}

/// The first line of a record. One that cannot be read has a warning.
pub(super) fn head(entry: &Entry) -> Option<RunHead> {
    readable(entry, entry.head())
}

/// A record. One that cannot be read has a warning.
pub(super) fn record(entry: &Entry) -> Option<Recorded> {
    readable(entry, entry.read())
}

pub(super) fn readable<T>(entry: &Entry, read: std::io::Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        // It was removed, or has only begun.
        if error.kind() != std::io::ErrorKind::NotFound {
            let directory = entry.directory.display().to_string();
            let text = format!("the record in {} cannot be read: {}", directory, why(error));
            terminal::stderr(&format!("warning: {}\n", visible(&text)));
        }
    })
    .ok()
}

/// The records of the matrix at `file`, newest first.
pub(super) fn of_matrix(entries: Vec<Entry>, file: &Path) -> Vec<Entry> {
    let own = matrix_file(file).path;
    let here = env::current_dir().unwrap_or_default();
    let is_of_it = |head: RunHead| match (&own, head.matrix.path) {
        (Some(own), Some(path)) => *own == path,
        // A matrix from a pipe is known by the directory in which it was used.
        (None, None) => Path::new(&head.directory) == here,
        _ => false,
    };
    entries.into_iter().filter(|entry| head(entry).is_some_and(is_of_it)).collect()
}

/// The same, of which there is one at least.
pub(super) fn some_of_matrix(entries: Vec<Entry>, file: &Path) -> Result<Vec<Entry>, Error> {
    let runs = of_matrix(entries, file);
    if runs.is_empty() {
        let message = format!("no run of {} is recorded", file.display());
        let help = "`onebuild build` and `onebuild matrix` record their runs; `onebuild runs --all` lists \
                    those of other matrices";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    Ok(runs)
}

/// The run that the user names, of the matrix at `file` if it is named by its number.
pub(super) fn chosen(directory: &Path, file: &Path, run: &RunChoice) -> Result<Entry, Error> {
    let all = all(directory)?;
    let number = match run {
        RunChoice::Id(id) => {
            let found = all.into_iter().find(|entry| entry.id == *id);
            return found.ok_or_else(|| {
                let message = format!("there is no record of the run {id}");
                Error::new(ErrorKind::Usage, message)
                    .help("`onebuild runs --all` lists the recorded runs; old ones are removed")
            });
        }
        RunChoice::Number(number) => number.get(),
    };
    let runs = some_of_matrix(all, file)?;
    let count = match runs.len() {
        1 => "1 run of this matrix is recorded".to_owned(),
        more => format!("{more} runs of this matrix are recorded"),
    };
    runs.into_iter().nth(number - 1).ok_or_else(|| {
        let message = format!("there is no run {number}: {count}");
        Error::new(ErrorKind::Usage, message).help("`onebuild runs` lists them")
    })
}

pub(super) fn unreadable() -> Error {
    Error::new(ErrorKind::Environment, "the record of the run cannot be read")
        .help("choose another run; `onebuild runs` lists them")
}

/// The identity of the matrix at `file`. One from a pipe has none.
pub(super) fn matrix_file(file: &Path) -> MatrixFile {
    let real = (!is_piped(file)).then(|| real(file)).flatten();
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    MatrixFile { file: text(file.to_owned()), path: real.map(text) }
}

/// The absolute path without links, of a file that may have been removed.
fn real(file: &Path) -> Option<PathBuf> {
    let removed = || {
        let directory = fs::canonicalize(crate::input::parent(file)).ok();
        directory
            .map_or_else(|| std::path::absolute(file).ok(), |at| Some(at.join(file.file_name()?)))
    };
    fs::canonicalize(file).ok().or_else(removed)
}

/// `2 hours ago`
pub(super) fn when(time: Timestamp) -> String {
    ago(Timestamp::now().since(time))
}

/// One word for the state of a run.
pub(super) fn state(run: &Recorded) -> &'static str {
    match &run.state {
        State::Running if run.is_cancelling => "stopping",
        State::Running => "running",
        State::Ended(end) if matches!(end.exit_code, 129 | 130 | 143) => "interrupted",
        State::Ended(_) => "finished",
        State::Killed if run.is_cancelling => "interrupted",
        State::Killed => "killed",
    }
}

/// `34 pushed, 2 failed`
pub(super) fn counts(totals: &Totals) -> String {
    let Totals { cells: _, pushed, built, kept, failed, cancelled, not_started } = *totals;
    let parts = [
        (pushed, "pushed"),
        (built, "built"),
        (kept, "kept"),
        (failed, "failed"),
        (cancelled, "cancelled"),
        (not_started, "not started"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// `34 pushed, 2 failed`, `running: 3 of 12 cells`, `killed: 3 pushed`
pub(super) fn result(run: &Recorded) -> String {
    let totals = run.totals();
    let counts = counts(&totals);
    let done = totals.pushed
        + totals.built
        + totals.kept
        + totals.failed
        + totals.cancelled
        + totals.not_started;
    match state(run) {
        "finished" => counts,
        state @ ("running" | "stopping") => {
            let failed = match totals.failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            format!("{state}: {done} of {}{failed}", counted(totals.cells, "cell"))
        }
        state if counts.is_empty() => state.to_owned(),
        state => format!("{state}: {counts}"),
    }
}

/// How a cell of a run ended, or what it does.
pub(super) fn cell_result(run: &Recorded, cell: &str) -> String {
    let Some(known) = run.cells.get(cell) else { return "not started".to_owned() };
    let Some(finished) = &known.finished else {
        return match (known.started.is_some(), &run.state) {
            (true, State::Running) => "running",
            (false, State::Running) => "waiting",
            (true, _) => "killed",
            (false, _) => "not started",
        }
        .to_owned();
    };
    match &finished.result {
        CellResult::Built(built) => match () {
            () if built.kept_from.is_some() => "kept",
            () if built.pushed.is_empty() => "built",
            () if built.unverified.is_some() => "pushed, not verified",
            () if built.unchanged => "unchanged",
            () => "pushed",
        }
        .to_owned(),
        CellResult::Failed { failure } => format!("failed: {}", failure.message),
        CellResult::NotStarted => "not started".to_owned(),
        CellResult::Cancelled => "cancelled".to_owned(),
    }
}

/// Rows with a header, in columns as wide as their longest text.
pub(super) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> String {
    let header = header.map(str::to_owned);
    let rows = || std::iter::once(&header).chain(rows);
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        rows().map(|row| crate::text::width(&row[column])).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows() {
        let padded = row.iter().zip(widths).map(|(text, width)| crate::text::pad(text, width));
        text += padded.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}
