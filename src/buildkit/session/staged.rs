//! Files and directories that are written under a temporary name.
//!
//! Each is locked while its process lives. The leftovers of a killed process are not locked, and
//! [`sweep`] removes them.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile, TempDir};

/// The sweep of another run may remove a file before it is locked; then another name is tried.
const ATTEMPTS: usize = 8;

/// A new file in `directory` for a result. The user's umask applies, as for any file.
pub(super) fn file(directory: &Path, prefix: &OsStr, suffix: &str) -> io::Result<NamedTempFile> {
    let mode = Permissions::from_mode(0o666);
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(suffix).permissions(mode);
    locked(
        || builder.tempfile_in(directory),
        |file| file.as_file().try_clone(),
        NamedTempFile::path,
    )
    .map(|(file, _)| file)
}

/// A new directory in `directory` that only its owner may enter, with its lock.
pub(super) fn directory(directory: &Path, prefix: &str) -> io::Result<(TempDir, File)> {
    let mut builder = Builder::new();
    builder.prefix(prefix).permissions(Permissions::from_mode(0o700));
    locked(|| builder.tempdir_in(directory), |made| File::open(made.path()), TempDir::path)
}

/// Creates a file or directory, locks it, and verifies that it still exists.
fn locked<T>(
    make: impl Fn() -> io::Result<T>,
    open: impl Fn(&T) -> io::Result<File>,
    path: impl Fn(&T) -> &Path,
) -> io::Result<(T, File)> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let made = make()?;
        match open(&made) {
            Ok(lock) => {
                let taken = try_lock(&lock) != Lock::Taken;
                let is_there = |found: fs::Metadata| {
                    lock.metadata().is_ok_and(|locked| locked.ino() == found.ino())
                };
                if (taken && path(&made).symlink_metadata().is_ok_and(is_there))
                    || attempt == ATTEMPTS
                {
                    return Ok((made, lock));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes leftovers of dead processes from `directory`, if `is_ours` accepts their names.
/// Leftovers that cannot be removed are harmless.
pub(super) fn sweep(directory: &Path, is_ours: impl Fn(&OsStr) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !is_ours(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(found) = rustix::fs::open(&path, flags, Mode::empty()) else { continue };
        if try_lock(&found) == Lock::Ours {
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
        }
    }
}

#[derive(PartialEq, Eq)]
enum Lock {
    Ours,
    Taken,
    /// The file system has no such locks.
    Unknown,
}

fn try_lock(file: impl AsFd) -> Lock {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Lock::Ours,
        Err(Errno::WOULDBLOCK) => Lock::Taken,
        Err(_) => Lock::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_removes_what_no_process_holds_and_nothing_else() {
        let at = tempfile::tempdir().unwrap();
        let held = file(at.path(), OsStr::new(".x-"), ".part").unwrap();
        let (held_directory, lock) = directory(at.path(), ".x-").unwrap();
        fs::create_dir_all(at.path().join(".x-killed/sub")).unwrap();
        for name in [".x-killed/sub/file", ".x-killed.part", "other"] {
            fs::write(at.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("other", at.path().join(".x-link")).unwrap();
        sweep(at.path(), |name| name.as_encoded_bytes().starts_with(b".x-"));
        let mut left: Vec<_> =
            fs::read_dir(at.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        left.sort();
        let mut wanted = [held.path(), held_directory.path()].map(Path::to_owned).to_vec();
        wanted.extend([at.path().join(".x-link"), at.path().join("other")]);
        wanted.sort();
        assert_eq!(left, wanted);

        // As it is after the process was killed.
        let path = held_directory.keep();
        drop(lock);
        sweep(at.path(), |name| name.as_encoded_bytes().starts_with(b".x-"));
        assert!(!path.exists());
    }
}
