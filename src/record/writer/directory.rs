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
    /// The directory of all records.
    pub(crate) place: PathBuf,
    pub(crate) command: Command,
    pub(crate) matrix: MatrixFile,
    pub(crate) engine: String,
    pub(crate) jobs: usize,
    /// Whether it pushes the references of its cells.
    pub(crate) pushes: bool,
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
    pub(super) path: PathBuf,
    pub(super) file: RunFile,
    pub(super) started: Timestamp,
    pub(super) id: RunId,
}

impl Start {
    /// Creates the directory. Only its owner can read what is in it.
    pub(super) fn create(&self) -> Result<Created, NotStarted> {
        private().recursive(true).create(&self.place)?;
        unsent::add(&fs::metadata(&self.place)?);
        let turn = turn::lock(&self.place)?;
        if turn.is_alone {
            let _ = retention::remove_unfinished(&self.place);
        }
        if self.pushes
            && let Some((run, tag)) = turn::holder(&self.place, &self.cells)?
        {
            return Err(NotStarted::Held { run: Box::new(run), tag });
        }
        let started = Timestamp::now();
        let (id, path) = directory(&self.place, started)?;
        // If the place is the context itself, this directory is in it.
        unsent::add(&fs::metadata(&path)?);
        let file = private().create(path.join(LOGS)).and_then(|()| RunFile::create(&path));
        let begun = file.and_then(|mut file| {
            file.head(&self.head(&id, started))?;
            for cell in &self.cells {
                file.event(started, Event::Cell(cell.clone()))?;
            }
            for finished in &self.kept {
                file.event(started, Event::CellFinished(finished.clone()))?;
            }
            file.begun(&path)?;
            Ok(file)
        });
        match begun {
            Ok(file) => Ok(Created { path, file, started, id }),
            Err(error) => {
                let _ = fs::remove_dir_all(&path);
                Err(error.into())
            }
        }
    }

    fn head(&self, id: &RunId, started: Timestamp) -> RunHead {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        RunHead {
            version: VERSION,
            kind: RunKind::Run,
            id: id.clone(),
            onebuild: crate::VERSION.to_owned(),
            time: started,
            command: self.command.clone(),
            matrix: self.matrix.clone(),
            directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned(),
            engine: self.engine.clone(),
            jobs: self.jobs,
            pushes: self.pushes,
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
