//! The interface between the scheduler and the code that builds.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::outcome::CellResult;
use crate::plan::BuildRequest;

/// The channel for events. It is bounded, but the receiver takes events at once, even if the
/// terminal is slow.
pub(crate) type Events = mpsc::Sender<Event>;

/// Builds one cell.
///
/// The contract: `build` only sends `Step`, `Log`, `Transfer`, `Waiting`, `Answered` and `Warning`
/// events of its cell. It returns `CellResult::Cancelled` soon after `cancel` fires, and then
/// leaves nothing running. It returns `Built` only if every requested output is complete. Wrappers
/// that limit, retry or skip implement the same trait.
pub trait Builder: Send + Sync {
    /// Builds `request` and sends its events to `events`.
    fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> impl Future<Output = CellResult> + Send;
}
