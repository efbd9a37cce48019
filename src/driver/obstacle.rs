//! What prevents a run.

/// Something that the engine cannot do and a request wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What is in the way.
    pub message: String,
    /// What to do about it.
    pub help: String,
}
