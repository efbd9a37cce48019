//! The names of blobs.

use std::fmt;

/// A SHA-256 digest, the only kind that BuildKit creates. Checked, so that it can be part of a
/// path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlobDigest {
    hex: String,
}

impl BlobDigest {
    /// `hex` is that of a hash.
    pub(super) fn new(hex: String) -> Self {
        Self { hex }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (hex.len() == 64 && hex.bytes().all(is_hex)).then(|| Self { hex: hex.to_owned() })
    }

    pub(super) fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex)
    }
}
