//! How long a run that was asked to stop may clean up.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a run that was asked to stop may clean up. GitHub's runner kills what is left 10 seconds
/// after its first signal.
pub const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(8);

/// Waits until `deadline`, for ever where there is none.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
