//! The record of this run.

use std::ffi::OsString;
use std::io;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::again::Kept;
use super::stream::Stream;
use crate::commands::records::matrix_file;
use crate::config::{BuildConfig, Typed, Word, quoted};
use crate::error::{Error, ErrorKind, visible, why};
use crate::event::Event;
use crate::image::Platform;
use crate::matrix::Cell;
use crate::outcome::{CellResult, Outcome};
use crate::plan::BuildRequest;
use crate::progress::Mode;
use crate::record::event::{Cell as RecordedCell, Command, RunHead};
use crate::record::{
    Collected, NotStarted, Place, Recorded, Recorder, Start, Steps, Timestamp, Wanted, place, relay,
};
use crate::run::terminal;
use crate::text::duration;

/// Why a run cannot begin.
pub(super) enum NoRecord {
    Held(Held),
    Failed(Error),
}

/// Another run that pushes the same tag now.
pub(super) struct Held {
    run: Box<RunHead>,
    tag: String,
}

impl Held {
    /// `process 4711 on build-1 pushes me/app:v1, too, since 12 s (run …)`
    fn sentence(&self) -> String {
        let RunHead { id, process, time, .. } = &*self.run;
        let since = duration(Timestamp::now().since(*time));
        let (pid, host) = (process.pid, &process.host);
        format!("process {pid} on {host} has been pushing {} for {since} (run {id})", self.tag)
    }

    /// A note for a run that waits.
    pub(super) fn note(&self) -> String {
        format!("note: waiting: {}\n", visible(&self.sentence()))
    }

    pub(super) fn error(&self) -> Error {
        Error::new(ErrorKind::Environment, self.sentence())
            .help("wait for its end, or let this run wait: --wait")
    }
}

/// The record of this run, if it is recorded.
pub(super) struct Record {
    recorder: Option<Recorder>,
    /// The run in memory, for its reports.
    collected: Option<Collected>,
    /// Prints its events.
    stream: Option<Stream>,
    /// Of a record that only its stream needs; removed at the end.
    temporary: Option<TempDir>,
    /// The flags that `onebuild logs` needs to find it.
    flags: String,
}

impl Record {
    /// Starts the record. If that fails, a warning says so, and the run goes on, unless another run pushes the
    /// same tags.
    pub(super) fn start(
        config: &BuildConfig,
        start: &Start,
        steps: Option<Steps>,
        cancel: &CancellationToken,
        variable: fn(&str) -> Option<OsString>,
    ) -> Result<Self, NoRecord> {
        let mut recorder = recorder(config, start, cancel, variable)?;
        let (mut stream, mut temporary) = (None, None);
        if config.progress == Mode::Json {
            if recorder.is_none() {
                let (directory, only) = temporary_record(start, cancel)?;
                (recorder, temporary) = (Some(only), Some(directory));
            }
            let directory = recorder.as_ref().map(Recorder::directory);
            stream = directory.map(Stream::start).transpose().map_err(no_stream)?;
        }
        let collect = |steps| {
            Collected::start(start, recorder.as_ref().map(Recorder::head), steps).map_err(|error| {
                let why = why(&error);
                terminal::stderr(&format!("warning: no report is written about this run: {why}\n"));
            })
        };
        let collected = steps.and_then(|steps| collect(steps).ok());
        Ok(Self { recorder, collected, stream, temporary, flags: flags(config) })
    }

    /// Whether the run is recorded.
    pub(super) fn is_on(&self) -> bool {
        self.recorder.is_some() && self.temporary.is_none()
    }

    /// Records `events` on their way.
    pub(super) fn relay(&mut self, events: mpsc::Receiver<Event>) -> mpsc::Receiver<Event> {
        relay(self.recorder.as_mut(), self.collected.clone(), events)
    }

    /// A line that says where the logs of failed cells are, if there are any.
    pub(super) fn logs(&self, outcomes: &[Outcome]) -> String {
        let Some(recorder) = self.recorder.as_ref().filter(|_| self.is_on()) else {
            return String::new();
        };
        let failed = |one: &&Outcome| matches!(one.result, CellResult::Failed(_));
        let mut failed = outcomes.iter().filter(failed).map(|one| quoted(&one.cell));
        let flags = &self.flags;
        match (failed.next(), failed.next()) {
            (None, _) => String::new(),
            (Some(cell), None) => format!("its log: onebuild logs{flags} {cell}\n"),
            (Some(_), Some(_)) => {
                let directory = recorder.logs().display().to_string();
                format!("their logs: onebuild logs{flags} CELL, or {}\n", visible(&directory))
            }
        }
    }

    /// Records that the run ended at `time`. Returns the run if reports need it, and a warning if the record is not
    /// complete. Waits until its events are printed.
    pub(super) async fn finish(
        self,
        exit_code: u8,
        time: Timestamp,
    ) -> (Option<Recorded>, Option<String>) {
        let warning = match self.recorder {
            Some(recorder) => {
                let directory = recorder.directory().display().to_string();
                let why = recorder.finish(exit_code, time).await;
                why.map(|why| {
                    let directory = visible(&directory);
                    format!("warning: the record in {directory} is not complete: {why}\n")
                })
            }
            None => None,
        };
        if let Some(stream) = self.stream {
            stream.finish().await;
        }
        (self.collected.map(|collected| collected.finish(exit_code, time)), warning)
    }
}

/// What is known of a run when it starts.
pub(super) fn start(
    config: &BuildConfig,
    (cells, kept): (&[Cell], &[Kept]),
    requests: &[BuildRequest],
    (engine, native): (&str, Option<&Platform>),
    jobs: usize,
) -> Start {
    let kept_cells = kept.iter().map(|(cell, request, _)| (cell, request));
    let mut all = requests.iter().chain(kept.iter().map(|(_, request, _)| request));
    Start {
        time: Timestamp::now(),
        command: command(&config.typed),
        matrix: matrix_file(&config.cells.file),
        engine: engine.to_owned(),
        jobs,
        pushes: all.any(|request| request.delivery.output.is_push()),
        native: native.map(ToString::to_string),
        cells: cells.iter().zip(requests).chain(kept_cells).map(recorded).collect(),
        kept: kept.iter().map(|(_, _, finished)| finished.clone()).collect(),
        retention: config.retention,
    }
}

/// A run that ended as soon as it started.
pub(super) fn ended(start: &Start, steps: Steps) -> Result<Recorded, Error> {
    let run = Collected::start(start, None, steps).map_err(|error| {
        let message = format!("no report is written about this run: {}", why(&error));
        Error::new(ErrorKind::Environment, message)
    })?;
    Ok(run.finish(0, start.time))
}

/// Starts to record a run. If that fails, a warning says so.
fn recorder(
    config: &BuildConfig,
    start: &Start,
    cancel: &CancellationToken,
    variable: fn(&str) -> Option<OsString>,
) -> Result<Option<Recorder>, NoRecord> {
    let place = match place(&config.record, variable) {
        Place::Directory(directory) => directory,
        Place::None => {
            if !config.progress.is_silent() {
                terminal::stderr(NO_PLACE);
            }
            return Ok(None);
        }
        Place::Off => return Ok(None),
    };
    match Recorder::start(start, &place, cancel.clone()) {
        Ok(recorder) => Ok(Some(recorder)),
        Err(NotStarted::Held { run, tag }) => Err(NoRecord::Held(Held { run, tag })),
        Err(NotStarted::Io(error)) => {
            let (place, why) = (place.display().to_string(), why(&error));
            terminal::stderr(&format!(
                "warning: this run is not recorded in {}: {why}; name another directory with \
                 --record DIR, or add --no-record\n",
                visible(&place)
            ));
            Ok(None)
        }
    }
}

/// A record in a directory of its own, for the events that are printed.
fn temporary_record(
    start: &Start,
    cancel: &CancellationToken,
) -> Result<(TempDir, Recorder), NoRecord> {
    let directory = tempfile::Builder::new().prefix("onebuild-").tempdir().map_err(no_stream)?;
    match Recorder::start(start, directory.path(), cancel.clone()) {
        Ok(recorder) => Ok((directory, recorder)),
        Err(NotStarted::Held { run, tag }) => Err(NoRecord::Held(Held { run, tag })),
        Err(NotStarted::Io(error)) => Err(no_stream(error)),
    }
}

fn no_stream(error: io::Error) -> NoRecord {
    let message = format!("the events cannot be kept until they are printed: {}", why(&error));
    let help = "free some space in TMPDIR, or name a directory with --record DIR";
    NoRecord::Failed(Error::new(ErrorKind::Environment, message).help(help))
}

const NO_PLACE: &str = "note: this run is not recorded, because HOME is not set; name a directory with \
     --record DIR\n";

fn recorded((cell, request): (&Cell, &BuildRequest)) -> RecordedCell {
    let axes = cell.axes.iter().map(|(axis, value)| (axis.to_string(), value.to_string()));
    RecordedCell {
        cell: cell.name.to_string(),
        axes: axes.collect(),
        platforms: request.recipe.platforms.iter().map(ToString::to_string).collect(),
        references: request.delivery.references.iter().map(ToString::to_string).collect(),
    }
}

fn command(typed: &Typed) -> Command {
    let words = typed.words.iter().map(Word::text);
    let text = ["onebuild", &typed.command].into_iter().chain(words).collect::<Vec<_>>().join(" ");
    Command { name: typed.command.clone(), arguments: typed.arguments.clone(), text }
}

fn flags(config: &BuildConfig) -> String {
    let is_file = |word: &&str| word.starts_with("--file ");
    let file = config.typed.words.iter().map(Word::text).find(is_file);
    let record = match &config.record {
        Wanted::Directory(directory) => {
            Some(format!("--record {}", quoted(&directory.to_string_lossy())))
        }
        Wanted::Default | Wanted::Off => None,
    };
    let flags = file.map(str::to_owned).into_iter().chain(record);
    flags.map(|flag| format!(" {flag}")).collect()
}
