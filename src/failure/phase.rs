//! What was being done when a cell failed.

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Resolving or downloading an image that the build needs.
    Pull,
    #[default]
    Build,
    /// Running the smoke test.
    SmokeTest,
    /// Uploading the result or its cache.
    Push,
    /// Comparing what the registry holds with what was pushed.
    Verify,
}
