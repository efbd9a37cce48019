//! The file that stores a ledger between runs.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::key::hex;
use crate::regular;

/// A file locked by this run, and empty while the run uses it.
pub(crate) struct Slot(File);

/// How many concurrent runs on one directory can save their state. Each has its own key; further runs
/// send everything.
const SLOTS: usize = 4;
/// More than [`Kept::write`](super::Kept::write) can produce.
const MAX_SIZE: u64 = 512 << 20;
/// A file that was not used for this long is removed.
const MAX_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How many files are checked for their age.
const MAX_CHECKED: usize = 10_000;

impl Slot {
    /// Takes a slot of `path` in `directory`, and returns its content too. Without a free slot, this run
    /// sends everything.
    pub(crate) fn take(directory: &Path, path: &Path) -> Option<(Self, Vec<u8>)> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).ok()?;
        let name = hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..16]);
        let mut taken = (0..SLOTS).filter_map(|number| {
            let path = directory.join(format!("{name}-{number}"));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600);
            let file = regular::open_with(&mut options, &path, OFlags::empty()).ok()?;
            file.try_lock().ok()?;
            Some(file)
        });
        let mut file = taken.next()?;
        let mut content = Vec::new();
        // Empty it even if it cannot be read.
        let _ = (&mut file).take(MAX_SIZE).read_to_end(&mut content);
        if content.is_empty() {
            remove_unused(directory);
        }
        file.set_len(0).ok()?;
        Some((Self(file), content))
    }

    /// Writes the content and releases the slot. A partial write is harmless: the digest at the end does
    /// not match.
    pub(crate) fn save(mut self, content: &[u8]) {
        use std::io::Seek as _;
        let _ = self.0.rewind().and_then(|()| self.0.write_all(content));
    }
}

/// Removes the files of directories that are no longer built.
fn remove_unused(directory: &Path) {
    let now = SystemTime::now();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten().take(MAX_CHECKED) {
        let used = entry.metadata().and_then(|found| found.modified());
        let unused = used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > MAX_AGE));
        if unused {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_pipe_instead_of_a_file_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let path = Path::new("/project");
        drop(Slot::take(directory.path(), path).unwrap());
        let record = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&record).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &record, 0o600.into()).unwrap();
        assert!(Slot::take(directory.path(), path).is_some(), "the next slot is used");
    }
}
