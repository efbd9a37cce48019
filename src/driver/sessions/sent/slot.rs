//! Where a ledger is kept while no run uses it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::key::hex;
use crate::regular;

/// A file that this run alone uses, and that is empty as long as it does.
pub(crate) struct Slot(File);

/// Runs on one directory that keep what they sent when they run at the same time. Each has a key of
/// its own; one more sends everything.
const SLOTS: usize = 4;
/// More than [`Kept::write`](super::Kept::write) makes of as many records as it takes.
const LARGEST: u64 = 512 << 20;
/// A file that no run has used for as long is removed.
const UNUSED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Files that are looked at to find those.
const LOOKED_AT: usize = 10_000;

impl Slot {
    /// Takes a slot of `path` in `directory`, and what was kept in it. Nothing where there is none:
    /// then this run sends everything.
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
        // One that cannot be read is emptied all the same.
        let _ = (&mut file).take(LARGEST).read_to_end(&mut content);
        if content.is_empty() {
            remove_unused(directory);
        }
        file.set_len(0).ok()?;
        Some((Self(file), content))
    }

    /// Fills the slot, and frees it. What is written in part is of no use to the next run, and no
    /// harm: it ends in a digest.
    pub(crate) fn keep(mut self, content: &[u8]) {
        use std::io::Seek as _;
        let _ = self.0.rewind().and_then(|()| self.0.write_all(content));
    }
}

/// Removes what belongs to directories that are built no more.
fn remove_unused(directory: &Path) {
    let now = SystemTime::now();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten().take(LOOKED_AT) {
        let used = entry.metadata().and_then(|found| found.modified());
        let unused = used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > UNUSED));
        if unused {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_pipe_in_place_of_a_record_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = Path::new("/project");
        drop(Slot::take(directory.path(), path).unwrap());
        let record = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&record).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &record, 0o600.into()).unwrap();
        assert!(Slot::take(directory.path(), path).is_some(), "the next one is taken");
    }
}
