//! The phases of a cell.

/// The phase in which a cell failed.
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
    /// Comparing the registry's image with the pushed one.
    Verify,
}
