//! How long a run that was asked to stop may take.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a run that was asked to stop may clean up. GitHub's runner kills what is left 10 seconds
/// after its first signal.
pub(super) const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a run that was asked to stop may take to end. After cleaning up it waits for its output.
pub(super) const EXIT_TIMEOUT: Duration = CLEAN_UP_TIMEOUT.saturating_add(Duration::from_secs(5));

/// The same for a run that quits at once, or has not started a cell.
pub(super) const QUIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until `deadline`, for ever where there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
