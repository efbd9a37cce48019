//! The interface between the scheduler and the code that builds.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::outcome::CellResult;
use crate::plan::BuildRequest;

/// The channel for events. It is bounded, but the receiver takes events at once, even if the
/// terminal is slow.
pub(crate) type Events = mpsc::Sender<Event>;

/// Builds one cell.
///
/// The contract: `build` only sends `Step`, `Log`, `Transfer`, `Waiting`, `Answered`, `Warning`,
/// `Retrying` and `Resumed` events of its cell. It returns `CellResult::Cancelled` soon after the
/// job is cancelled, and then leaves nothing running. It returns `Built` only if every requested
/// output is complete. Wrappers that limit, retry or skip implement the same trait.
pub trait Builder: Send + Sync {
    /// Builds the request of `job`, and sends its events.
    fn build(&self, job: &Job<'_>) -> impl Future<Output = CellResult> + Send;
}

/// A cell to build, and its part of the run.
#[derive(Debug, Clone, Copy)]
pub struct Job<'j> {
    pub request: &'j BuildRequest,
    /// Where its events go.
    pub events: &'j Events,
    /// Fires when the cell has to stop.
    pub cancel: &'j CancellationToken,
    /// The cell's share of `--jobs`.
    pub slot: &'j Slot,
}

/// One of the slots of `--jobs`, which a cell holds while it works.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Slot {
    /// Takes over `held`, a permit of `slots`.
    pub(super) fn new(slots: Arc<Semaphore>, held: OwnedSemaphorePermit) -> Self {
        Self { slots, held: Mutex::new(Some(held)) }
    }

    /// A slot of its own, for a builder that is used without a scheduler.
    pub fn alone() -> Self {
        let slots = Arc::new(Semaphore::new(1));
        let held = Arc::clone(&slots).try_acquire_owned().ok();
        Self { slots, held: Mutex::new(held) }
    }

    /// Leaves the slot to other cells during `wait`, and then waits for a free one.
    pub(crate) async fn without<T>(&self, wait: impl Future<Output = T>) -> T {
        drop(self.held().take());
        let value = wait.await;
        // The semaphore is never closed.
        if let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await {
            *self.held() = Some(permit);
        }
        value
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
