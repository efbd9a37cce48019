//! The seam between deciding what is built and building it.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::event::Event;
use crate::outcome::CellResult;
use crate::plan::BuildRequest;

/// Where events go. It is bounded, but the other end takes events at once, however slow the terminal is.
pub type Events = mpsc::Sender<Event>;

/// Builds one cell.
///
/// The contract: `build` sends `Step`, `Log`, `Transfer`, `Waiting`, `Answered` and `Warning` events of its cell and no
/// others, returns `CellResult::Cancelled` soon after `cancel` fires and leaves nothing running
/// then, and never returns `Built` unless every output that the request asks for is complete.
/// A wrapper that limits, retries or skips implements the same trait.
pub trait Builder: Send + Sync {
    /// Builds `request`, telling `events` on the way.
    fn build(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> impl Future<Output = CellResult> + Send;
}
