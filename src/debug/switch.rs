//! Whether a debug log is written.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether any log is written; a test may use one that is not in `LOG`.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Whether a debug log is written.
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

/// From here on a debug log is written.
pub(super) fn turn_on() {
    IS_ON.store(true, Ordering::Relaxed);
}
