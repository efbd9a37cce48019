//! The result of one solve: where it goes, and what of it has arrived.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::fault::Fault;
use super::error::OutputError;
use super::{archive, place, tree};

/// Where the result of one solve goes; clones share it.
#[derive(Clone)]
pub struct FileSend {
    pub(super) target: Target,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Archive,
    Tree,
}

/// What was received so far.
pub(super) struct State {
    pub(super) stage: Stage,
    /// Calls; BuildKit may send several trees, at the same time.
    pub(super) started: usize,
    pub(super) done: usize,
    pub(super) fault: Option<Fault>,
}

pub(super) enum Stage {
    /// An archive, before it is received.
    Waiting(archive::Sink),
    /// It is being received.
    Taken,
    Received(archive::Written),
    Tree(place::Placing),
    /// Committed or discarded.
    Closed,
}

impl FileSend {
    /// An archive into a file; devices and pipes that are there are written into as they are.
    pub fn to_file(path: &Path) -> Result<Self, OutputError> {
        let sink = archive::Sink::file(path)?;
        Ok(Self::new(Target::Archive, Stage::Waiting(sink)))
    }

    /// An archive into `out` as it comes: what was written cannot be taken back.
    pub fn to_writer(out: impl Write + Send + 'static) -> Self {
        Self::new(Target::Archive, Stage::Waiting(archive::Sink::Writer(Box::new(out))))
    }

    /// A tree into a folder, which is made if its parent is there. Files in it that the tree has
    /// too are replaced, others stay.
    pub fn to_folder(path: &Path) -> Result<Self, OutputError> {
        tree::check(path)?;
        Ok(Self::new(Target::Tree, Stage::Tree(place::Placing::new(path))))
    }

    fn new(target: Target, stage: Stage) -> Self {
        let state = State { stage, started: 0, done: 0, fault: None };
        Self { target, state: Arc::new(Mutex::new(state)) }
    }

    /// What went wrong. Where it went wrong here, the solve's error only repeats it.
    pub fn fault(&self) -> Option<Fault> {
        self.lock().fault.clone()
    }

    /// Says that the solve ended well, and puts the result in its place. Until then nothing of it is to be
    /// seen there. Renaming may take a while, so this belongs on a thread that may wait.
    pub fn commit(&self) -> Result<(), OutputError> {
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

    /// Says that the solve failed: what was received is removed. The same happens
    /// when the last clone, those in the session included, is dropped.
    pub fn discard(&self) {
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
