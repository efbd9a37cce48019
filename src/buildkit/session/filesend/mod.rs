//! FileSend: BuildKit sends the result of a build to the client.
//!
//! A [`FileSend`] receives the result of one solve. The exporters `oci`, `docker` and `tar` send a
//! byte stream, `local` sends a file tree. Both use the same method; the requested exporter
//! determines which one it is. An archive is written beside its destination and a tree inside of
//! it, and only [`FileSend::commit`] moves them into place: BuildKit ends the stream normally even
//! if the export fails half-way, so only the end of the solve confirms that the result is complete.

mod archive;
mod place;
mod service;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fault::{Fault, LocalFault};
pub use service::FileSendServer;

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSend/DiffCopy"];

/// The destination for the result of one solve; clones share it.
#[derive(Clone)]
pub struct FileSend {
    target: Target,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Archive,
    Tree,
}

/// The received data so far.
struct State {
    stage: Stage,
    /// Number of calls; BuildKit may send several trees concurrently.
    started: usize,
    done: usize,
    fault: Option<Fault>,
}

enum Stage {
    /// An archive that has not been received yet.
    Waiting(archive::Sink),
    /// It is being received.
    Taken,
    Received(archive::Written),
    Tree(place::Placing),
    /// Committed or discarded.
    Closed,
}

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("{0}")]
    Destination(LocalFault),
    #[error("the result did not arrive: {0}")]
    Broken(Fault),
    #[error("BuildKit sent no result")]
    Nothing,
}

impl FileSend {
    /// Writes an archive to a file. An existing device or pipe is written to directly.
    pub fn to_file(path: &Path) -> Result<Self, OutputError> {
        let sink = archive::Sink::file(path)?;
        Ok(Self::new(Target::Archive, Stage::Waiting(sink)))
    }

    /// Writes an archive to `out` as it arrives, without any way to undo that.
    pub fn to_writer(out: impl Write + Send + 'static) -> Self {
        Self::new(Target::Archive, Stage::Waiting(archive::Sink::Writer(Box::new(out))))
    }

    /// Writes a tree into a directory, which is created if its parent exists. Existing files that
    /// the tree contains are replaced, other files are kept.
    pub fn to_folder(path: &Path) -> Result<Self, OutputError> {
        tree::check(path)?;
        Ok(Self::new(Target::Tree, Stage::Tree(place::Placing::new(path))))
    }

    fn new(target: Target, stage: Stage) -> Self {
        let state = State { stage, started: 0, done: 0, fault: None };
        Self { target, state: Arc::new(Mutex::new(state)) }
    }

    /// The service to add to a session.
    pub fn service(&self) -> FileSendServer {
        FileSendServer::new(self.clone())
    }

    /// The first fault. If it happened on this side, the solve's error only repeats it.
    pub fn fault(&self) -> Option<Fault> {
        self.lock().fault.clone()
    }

    /// Call this after the solve has succeeded: moves the result to its destination, where nothing
    /// is visible before. Renaming may block, so this needs a thread for blocking work.
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

    /// Call this after the solve has failed: removes the received data. Dropping the last clone,
    /// including those in the session, does the same.
    pub fn discard(&self) {
        let mut state = self.lock();
        state.stage = Stage::Closed;
        state.fault.get_or_insert_with(|| Fault::There("the build failed".to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FileSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSend").field("fault", &self.fault()).finish_non_exhaustive()
    }
}

fn at(path: &Path, what: impl fmt::Display) -> Fault {
    Fault::Here(LocalFault::at(path, what))
}

fn unwritten(path: &Path, error: &io::Error) -> Fault {
    Fault::Here(LocalFault::unwritten(path, error))
}

/// A violation of the protocol by BuildKit.
fn wrong(what: impl Into<String>) -> Fault {
    Fault::There(what.into())
}

/// Receiving ended early for a reason that this side does not know.
fn gone() -> Fault {
    Fault::There("BuildKit stopped sending before the end".to_owned())
}
