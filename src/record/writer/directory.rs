//! The directory of a new run.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::turn;
use crate::record::event::{
    Cell, CellFinished, Command, Event, MatrixFile, Process, RunHead, RunKind, VERSION,
};
use crate::record::log::LOGS;
use crate::record::retention::{self, Retention};
use crate::record::run_file::RunFile;
use crate::record::run_id::RunId;
use crate::record::timestamp::Timestamp;
use crate::unsent;

/// Two runs may start in one second, and get the same name.
const ATTEMPTS: usize = 8;

/// What is known of a run when it starts.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) time: Timestamp,
    pub(crate) command: Command,
    pub(crate) matrix: MatrixFile,
    pub(crate) engine: String,
    pub(crate) jobs: usize,
    /// Whether it pushes the references of its cells.
    pub(crate) pushes: bool,
    /// The platform that the engine runs without emulation; `None` if there is no engine.
    pub(crate) native: Option<String>,
    pub(crate) cells: Vec<Cell>,
    /// Those that are not built, since an earlier run built them.
    pub(crate) kept: Vec<CellFinished>,
    pub(crate) retention: Retention,
}

/// Why a run has no record.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// It cannot be written.
    Io(io::Error),
    /// Another run pushes `tag`.
    Held { run: Box<RunHead>, tag: String },
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The directory of a run, with its first lines.
pub(super) struct Created {
    /// The directory of all records.
    pub(super) place: PathBuf,
    pub(super) path: PathBuf,
    pub(super) file: RunFile,
    pub(super) started: Timestamp,
    pub(super) head: RunHead,
}

impl Start {
    /// Creates the directory in `place`. Only its owner can read what is in it.
    pub(super) fn create(&self, place: &Path) -> Result<Created, NotStarted> {
        private().recursive(true).create(place)?;
        unsent::add(&fs::metadata(place)?);
        let turn = turn::lock(place)?;
        if turn.is_alone {
            let _ = retention::remove_unfinished(place);
        }
        if self.pushes
            && let Some((run, tag)) = turn::holder(place, &self.cells)?
        {
            return Err(NotStarted::Held { run: Box::new(run), tag });
        }
        let started = self.time;
        let (id, path) = directory(place, started)?;
        let head = self.head(id);
        // If the place is the context itself, this directory is in it.
        unsent::add(&fs::metadata(&path)?);
        let file = private().create(path.join(LOGS)).and_then(|()| RunFile::create(&path));
        let begun = file.and_then(|mut file| {
            file.head(&head)?;
            self.first_events().try_for_each(|event| file.event(started, event))?;
            file.begun(&path)?;
            Ok(file)
        });
        match begun {
            Ok(file) => Ok(Created { place: place.to_owned(), path, file, started, head }),
            Err(error) => {
                let _ = fs::remove_dir_all(&path);
                Err(error.into())
            }
        }
    }

    /// The events with which a run begins: its cells, and those that are not built.
    pub(super) fn first_events(&self) -> impl Iterator<Item = Event> {
        let cells = self.cells.iter().cloned().map(Event::Cell);
        cells.chain(self.kept.iter().cloned().map(Event::CellFinished))
    }

    /// The first line of the record.
    pub(super) fn head(&self, id: RunId) -> RunHead {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        RunHead {
            version: VERSION,
            kind: RunKind::Run,
            id,
            onebuild: crate::VERSION.to_owned(),
            time: self.time,
            command: self.command.clone(),
            matrix: self.matrix.clone(),
            directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned(),
            engine: self.engine.clone(),
            jobs: self.jobs,
            pushes: self.pushes,
            native: self.native.clone(),
            process: Process { pid: std::process::id(), host },
        }
    }
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn directory(place: &Path, started: Timestamp) -> io::Result<(RunId, PathBuf)> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let id = RunId::new(started)?;
        let path = place.join(id.as_str());
        match private().create(&path) {
            Ok(()) => return Ok((id, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes a new entry of a directory last. File systems that cannot do that have no need of it.
pub(super) fn sync(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}
