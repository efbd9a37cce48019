//! A directory in the OCI image layout: blobs, and an index.json that lists some of them.
//!
//! Other processes may write there at the same time: other builds of onebuild, or `docker buildx`.
//! So index.json is changed under the same lock that BuildKit's own client uses, and replaced
//! atomically.
//!
//! Sources: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md> and
//! <https://github.com/moby/buildkit/blob/master/client/ociindex/ociindex.go>

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde_json::Value;

use super::super::fault::LocalFault;
use super::super::staged;
use super::digest::BlobDigest;
use super::index::Index;
use crate::buildkit::why;
use crate::regular;

const INDEX: &str = "index.json";
const LOCK: &str = "index.json.lock";
const MARK: &str = "oci-layout";

/// The directory of incomplete blobs, as in containerd's own store.
const INGEST: &str = "ingest";
/// The prefix of their names; the rest is random.
pub(super) const PART_PREFIX: &str = "blob-";

/// The largest index.json to read: ten thousand entries.
const MAX_INDEX: u64 = 4 << 20;

/// How long to wait for a lock that another process holds during a few writes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A directory in the OCI image layout. It may not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// Why a layout cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    #[error("{}: {}", path.display(), why(source))]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {what}", path.display())]
    Broken { path: PathBuf, what: String },
    #[error("{}: another build has held the lock for {} s", path.display(), LOCK_TIMEOUT.as_secs())]
    Locked { path: PathBuf },
}

impl LayoutError {
    /// The same error as a fault of this machine.
    pub(crate) fn fault(&self) -> LocalFault {
        let (path, kind) = match self {
            Self::Io { path, source } => (path, Some(source.kind())),
            Self::Broken { path, .. } | Self::Locked { path } => (path, None),
        };
        LocalFault { kind, sentence: self.to_string(), ..LocalFault::at(path, "") }
    }
}

impl Layout {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn blob(&self, digest: &BlobDigest) -> PathBuf {
        self.root.join("blobs").join("sha256").join(digest.hex())
    }

    /// Opens a blob and returns its size; symlinks are refused.
    pub(super) fn open(&self, digest: &BlobDigest) -> io::Result<(File, u64)> {
        let path = self.blob(digest);
        let file = regular::open_with(OpenOptions::new().read(true), &path, OFlags::NOFOLLOW)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    pub(super) fn ingest(&self) -> PathBuf {
        self.root.join(INGEST)
    }

    /// Removes incomplete blobs of processes that were killed.
    fn sweep(&self) {
        let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PART_PREFIX.as_bytes());
        staged::sweep(&self.ingest(), is_ours);
    }

    /// Whether a blob with this digest exists.
    pub(crate) fn has(&self, digest: &str) -> bool {
        BlobDigest::parse(digest).is_some_and(|digest| self.open(&digest).is_ok())
    }

    /// Whether this is a directory with an index.json.
    pub(crate) fn exists(&self) -> bool {
        self.root.join(INDEX).is_file()
    }

    /// Creates the directory and its parents, and removes leftovers of killed processes.
    pub(crate) fn create(&self) -> Result<(), LayoutError> {
        fs::create_dir_all(&self.root).map_err(|error| failed(&self.root, error))?;
        self.sweep();
        Ok(())
    }

    /// Adds `descriptor` to the index with this tag, and removes the tag from other entries.
    pub(crate) fn put(&self, descriptor: &Value, tag: &str) -> Result<(), LayoutError> {
        let _lock = Lock::take(&self.root.join(LOCK))?;
        if !self.root.join(MARK).exists() {
            self.replace(MARK, r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        let mut index = self.index()?;
        index.put(descriptor, tag);
        self.replace(INDEX, &index.text())
    }

    /// Reads index.json; a missing file is an empty index.
    pub(crate) fn index(&self) -> Result<Index, LayoutError> {
        let path = self.root.join(INDEX);
        let mut text = Vec::new();
        let read =
            regular::open(&path).and_then(|file| file.take(MAX_INDEX + 1).read_to_end(&mut text));
        match read {
            // BuildKit's client leaves an empty file if it is stopped while creating it.
            Ok(0) => return Ok(Index::new()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::new()),
            Err(error) => return Err(failed(&path, error)),
            Ok(_) => {}
        }
        let parsed = match text.len() as u64 > MAX_INDEX {
            true => Err(format!("it is larger than {} MiB", MAX_INDEX >> 20)),
            false => Index::parse(&text),
        };
        parsed.map_err(|what| LayoutError::Broken { path, what })
    }

    /// Replaces a file atomically.
    fn replace(&self, name: &str, content: &str) -> Result<(), LayoutError> {
        let path = self.root.join(name);
        let write = || {
            let mut file = tempfile::Builder::new()
                .prefix(&format!(".{name}"))
                .suffix(".part")
                // The user's umask applies, as for any file that a program creates.
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(&self.root)?;
            file.write_all(content.as_bytes())?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|error| failed(&path, error))
    }
}

fn failed(path: &Path, source: io::Error) -> LayoutError {
    LayoutError::Io { path: path.to_owned(), source }
}

/// The lock of index.json, held until it is dropped.
struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    fn take(path: &Path) -> Result<Self, LayoutError> {
        let started = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            let opened = regular::open_with(&mut options, path, OFlags::empty());
            let file = opened.map_err(|error| failed(path, error))?;
            let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
            // The previous holder removes the file: a lock on a removed file does not protect
            // anything.
            let is_there =
                |meta: fs::Metadata| path.metadata().is_ok_and(|found| found.ino() == meta.ino());
            if locked.is_ok() && file.metadata().is_ok_and(is_there) {
                return Ok(Self { _file: file, path: path.to_owned() });
            }
            match locked {
                Err(errno) if errno != rustix::io::Errno::WOULDBLOCK => {
                    return Err(failed(path, errno.into()));
                }
                _ if started.elapsed() > LOCK_TIMEOUT => {
                    return Err(LayoutError::Locked { path: path.to_owned() });
                }
                _ => std::thread::sleep(LOCK_POLL_INTERVAL),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Remove it while it is locked, so that no file remains, like BuildKit's client.
        let _ = fs::remove_file(&self.path);
    }
}
