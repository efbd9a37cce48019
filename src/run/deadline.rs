//! How long a run may take after a signal.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a run may clean up after a signal. GitHub's runner kills everything 10 seconds after
/// its first signal.
pub(super) const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a run may take to end after a signal. After cleaning up, it waits for its output.
pub(super) const EXIT_TIMEOUT: Duration = CLEAN_UP_TIMEOUT.saturating_add(Duration::from_secs(5));

/// The same for a run that quits immediately, or has not started a cell.
pub(super) const QUIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until `deadline`, or forever without one.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
