//! The result of one solve: where it goes, and what of it has arrived.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::fault::Fault;
use super::error::OutputError;
use super::{archive, place, tree};

/// The destination for the result of one solve; clones share it.
#[derive(Clone)]
pub(crate) struct FileSend {
    pub(super) target: Target,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Archive,
    Tree,
}

/// The received data so far.
pub(super) struct State {
    pub(super) stage: Stage,
    /// Number of calls; BuildKit may send several trees concurrently.
    pub(super) started: usize,
    pub(super) done: usize,
    pub(super) fault: Option<Fault>,
}

pub(super) enum Stage {
    /// An archive that has not been received yet.
    Waiting(archive::Sink),
    /// It is being received.
    Taken,
    Received(archive::Written),
    Tree(place::Placing),
    /// Committed or discarded.
    Closed,
}

/// The destinations of the solves in one session, one after the other. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Results(Arc<Mutex<Option<FileSend>>>);

impl Results {
    /// The next result goes to `target`.
    pub(crate) fn expect(&self, target: &FileSend) {
        *self.lock() = Some(target.clone());
    }

    pub(super) fn current(&self) -> Option<FileSend> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<FileSend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileSend {
    /// Writes an archive to a file. An existing device or pipe is written to directly.
    pub(crate) fn to_file(path: &Path) -> Result<Self, OutputError> {
        let sink = archive::Sink::file(path)?;
        Ok(Self::new(Target::Archive, Stage::Waiting(sink)))
    }

    /// Writes an archive to `out` as it arrives, without any way to undo that.
    pub(crate) fn to_writer(out: impl Write + Send + 'static) -> Self {
        Self::new(Target::Archive, Stage::Waiting(archive::Sink::Writer(Box::new(out))))
    }

    /// Writes a tree into a directory, which is created if its parent exists. Existing files that
    /// the tree contains are replaced, other files are kept.
    pub(crate) fn to_folder(path: &Path) -> Result<Self, OutputError> {
        tree::check(path)?;
        Ok(Self::new(Target::Tree, Stage::Tree(place::Placing::new(path))))
    }

    fn new(target: Target, stage: Stage) -> Self {
        let state = State { stage, started: 0, done: 0, fault: None };
        Self { target, state: Arc::new(Mutex::new(state)) }
    }

    /// The first fault. If it happened on this side, the solve's error only repeats it.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.lock().fault.clone()
    }

    /// Call this after the solve has succeeded: moves the result to its destination, where nothing
    /// is visible before. Renaming may block, so this needs a thread for blocking work.
    pub(crate) fn commit(&self) -> Result<(), OutputError> {
        let mut state = self.lock();
        if let Some(fault) = &state.fault {
            return Err(OutputError::Broken(fault.clone()));
        }
        if state.done == 0 || state.done < state.started {
            return Err(OutputError::Nothing);
        }
        match std::mem::replace(&mut state.stage, Stage::Closed) {
            Stage::Received(written) => written.persist(),
            Stage::Tree(tree) => tree.commit().map_err(|fault| match fault {
                Fault::Here(fault) => OutputError::Destination(fault),
                there => OutputError::Broken(there),
            }),
            Stage::Closed => Ok(()),
            Stage::Waiting(_) | Stage::Taken => Err(OutputError::Nothing),
        }
    }

    /// Call this after the solve has failed: removes the received data. Dropping the last clone,
    /// including those in the session, does the same.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.stage = Stage::Closed;
        state.fault.get_or_insert_with(|| Fault::There("the build failed".to_owned()));
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FileSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSend").field("fault", &self.fault()).finish_non_exhaustive()
    }
}
