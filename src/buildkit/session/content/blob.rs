//! Blobs: files named by the digest of their content.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::super::staged;
use super::layout::Layout;
use crate::regular;

/// The directory of incomplete blobs, as in containerd's own store.
const INGEST: &str = "ingest";
/// The prefix of their names; the rest is random.
const PREFIX: &str = "blob-";

/// A SHA-256 digest, the only kind that BuildKit creates. Checked, so that it can be part of a
/// path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlobDigest {
    hex: String,
}

impl BlobDigest {
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

/// Opens a blob and returns its size; symlinks are refused.
pub(super) fn open(layout: &Layout, digest: &BlobDigest) -> io::Result<(File, u64)> {
    let path = layout.blob(digest);
    let file = regular::open_with(OpenOptions::new().read(true), &path, OFlags::NOFOLLOW)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// A blob that is being written. It is invisible until it is committed, and removed if it is
/// dropped before.
pub(super) struct Ingest {
    file: NamedTempFile,
    hash: Sha256,
    /// Bytes written.
    pub(super) offset: u64,
    /// The expected size and digest, as far as BuildKit has sent them.
    pub(super) expected: Option<BlobDigest>,
    pub(super) total: Option<u64>,
}

/// Why a blob was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum IngestError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("BuildKit sent {0}")]
    Wrong(String),
}

/// Removes incomplete blobs of processes that were killed.
pub(super) fn sweep(layout: &Layout) {
    let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    staged::sweep(&layout.root().join(INGEST), is_ours);
}

impl Ingest {
    pub(super) fn begin(layout: &Layout) -> io::Result<Self> {
        let directory = layout.root().join(INGEST);
        fs::create_dir_all(&directory)?;
        let file = staged::file(&directory, OsStr::new(PREFIX), "")?;
        Ok(Self { file, hash: Sha256::new(), offset: 0, expected: None, total: None })
    }

    pub(super) fn write(&mut self, data: &[u8]) -> Result<(), IngestError> {
        let offset = self.offset + data.len() as u64;
        if let Some(total) = self.total.filter(|total| offset > *total) {
            return Err(IngestError::Wrong(format!("more than the {total} bytes of a blob")));
        }
        self.file.write_all(data)?;
        self.hash.update(data);
        self.offset = offset;
        Ok(())
    }

    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.file.as_file().set_len(0)?;
        self.file.rewind()?;
        self.hash = Sha256::new();
        self.offset = 0;
        Ok(())
    }

    /// Moves the blob to its final path if its size and digest are as expected.
    pub(super) fn commit(self, layout: &Layout) -> Result<BlobDigest, IngestError> {
        if let Some(total) = self.total.filter(|total| *total != self.offset) {
            let what = format!("{} of the {total} bytes of a blob", self.offset);
            return Err(IngestError::Wrong(what));
        }
        let hex = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = BlobDigest { hex };
        if let Some(expected) = self.expected.filter(|expected| *expected != digest) {
            return Err(IngestError::Wrong(format!("{digest} in place of {expected}")));
        }
        let path = layout.blob(&digest);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        self.file.persist(path).map_err(|error| error.error)?;
        Ok(digest)
    }
}
