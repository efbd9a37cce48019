//! The image of one platform.

use super::{Digest, Platform};

/// The image of one platform, as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlatformImage {
    pub(crate) platform: Platform,
    /// Of its manifest.
    pub(crate) digest: Digest,
    /// Of its configuration: the image ID.
    pub(crate) id: Digest,
    /// Bytes of its configuration and its layers, compressed.
    pub(crate) size: u64,
}
