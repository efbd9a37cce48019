//! What prevents a run.

/// A requirement of a request that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// What prevents the run.
    pub message: String,
    /// What to do about it.
    pub help: String,
}
