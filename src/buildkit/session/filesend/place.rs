//! Moves a received tree to its destination.
//!
//! The tree is received into a hidden directory inside of the destination, so it is on the same
//! file system. When it is complete and has no conflicts, each file is renamed over the file that
//! it replaces. Other files are kept. Symlinks in the destination are not followed: every directory
//! is opened component by component, and a symlink where the result has a directory is replaced.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bollard_buildkit_proto::fsutil::types::Stat;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timestamps};
use rustix::io::Errno;
use tempfile::TempDir;

use super::super::fault::Fault;
use super::super::staged;
use super::error::{at, unwritten};
use super::tree::{DIR, set_metadata};

/// The prefix of the hidden directory; the rest is random.
const STAGING: &str = ".onebuild-output-";

/// A destination, and the data that was received for it.
pub(super) struct Placing {
    dest: PathBuf,
    staging: Option<Arc<Staging>>,
    /// The directories of the result. Their modes and times are set when everything is in place.
    folders: Vec<Stat>,
}

/// The hidden directory. The last owner removes it, so it outlives all writers.
pub(super) struct Staging {
    received: TempDir,
    _lock: File,
    /// The destination, if it was created for this.
    made: Option<PathBuf>,
    is_committed: AtomicBool,
}

impl Staging {
    pub(super) fn path(&self) -> &Path {
        self.received.path()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.path());
        if let (Some(dest), false) = (&self.made, self.is_committed.load(Ordering::Relaxed)) {
            // Fails if a file was created there.
            let _ = fs::remove_dir(dest);
        }
    }
}

/// What to do with one entry of the result.
enum Step {
    /// Both sides have a directory of this name.
    Merge,
    /// Rename the entry, after removing the existing one if necessary.
    Move { remove: Option<AtFlags> },
}

impl Placing {
    pub(super) fn new(dest: &Path) -> Self {
        Self { dest: dest.to_owned(), staging: None, folders: Vec::new() }
    }

    pub(super) fn dest(&self) -> &Path {
        &self.dest
    }

    /// The staging directory. The first call creates it, and removes leftovers of earlier runs.
    pub(super) fn staging(&mut self) -> Result<Arc<Staging>, Fault> {
        if self.staging.is_none() {
            let failed = |error: io::Error| unwritten(&self.dest, &error);
            let made = match fs::create_dir(&self.dest) {
                Ok(()) => Some(self.dest.clone()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                Err(error) => return Err(failed(error)),
            };
            staged::sweep(&self.dest, |name| name.as_bytes().starts_with(STAGING.as_bytes()));
            let (received, lock) = staged::directory(&self.dest, STAGING).map_err(|error| {
                if let Some(dest) = &made {
                    let _ = fs::remove_dir(dest);
                }
                failed(error)
            })?;
            let is_committed = AtomicBool::new(false);
            self.staging = Some(Arc::new(Staging { received, _lock: lock, made, is_committed }));
        }
        Ok(self.staging.clone().expect("just set"))
    }

    /// Records the directories of a complete tree.
    pub(super) fn add(&mut self, folders: Vec<Stat>) {
        self.folders.extend(folders);
    }

    /// Moves everything to the destination.
    pub(super) fn commit(mut self) -> Result<(), Fault> {
        let Some(staging) = self.staging.take() else { return Ok(()) };
        let open = |path: &Path, flags| {
            rustix::fs::open(path, flags, Mode::empty())
                .map_err(|errno| unwritten(&self.dest, &errno.into()))
        };
        let merge = Merge {
            received: open(staging.path(), DIR)?,
            // The destination itself may be a symlink, because the user named it.
            root: open(&self.dest, DIR - OFlags::NOFOLLOW)?,
            dest: &self.dest,
        };
        // Check for all conflicts before changing anything.
        merge.each(|_, _, _, _| Ok(()))?;
        staging.is_committed.store(true, Ordering::Relaxed);
        merge.each(|from, to, name, step| merge.put(from, to, name, step))?;
        for stat in self.folders.iter().rev() {
            let path = Path::new(&stat.path);
            below(&merge.root, path)
                .and_then(|folder| set_metadata(&folder, stat))
                .map_err(|errno| merge.failed(path, errno))?;
        }
        Ok(())
    }
}

struct Merge<'d> {
    received: OwnedFd,
    root: OwnedFd,
    dest: &'d Path,
}

impl Merge<'_> {
    /// Calls `work` for each entry of the result: with its directory on both sides, its name, and
    /// the step to take. A directory that is moved counts as one entry.
    fn each(
        &self,
        work: impl Fn(BorrowedFd<'_>, BorrowedFd<'_>, &OsStr, &Step) -> Result<(), Errno>,
    ) -> Result<(), Fault> {
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            let failed = |errno| self.failed(&folder, errno);
            let from = below(&self.received, &folder).map_err(failed)?;
            let to = below(&self.root, &folder).map_err(failed)?;
            for name in names(&from).map_err(failed)? {
                let path = folder.join(&name);
                let failed = |errno| self.failed(&path, errno);
                let mut step =
                    step(from.as_fd(), to.as_fd(), &name).map_err(|errno| match errno {
                        Errno::NOTEMPTY => at(&self.dest.join(&path), NOT_EMPTY),
                        errno => failed(errno),
                    })?;
                match work(from.as_fd(), to.as_fd(), &name, &step) {
                    // It is now a directory on another file system, and has to be filled.
                    Err(Errno::XDEV) => step = Step::Merge,
                    done => done.map_err(failed)?,
                }
                if matches!(step, Step::Merge) {
                    waiting.push(path);
                }
            }
        }
        Ok(())
    }

    fn put(
        &self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &OsStr,
        step: &Step,
    ) -> Result<(), Errno> {
        let Step::Move { remove } = step else {
            let folder = rustix::fs::openat(to, name, DIR, Mode::empty())?;
            // Its own mode is set at the end.
            let mode = Mode::from_raw_mode(rustix::fs::fstat(&folder)?.st_mode & 0o7777);
            if !mode.contains(Mode::RWXU) {
                let _ = rustix::fs::fchmod(&folder, mode | Mode::RWXU);
            }
            return Ok(());
        };
        if let Some(flags) = remove {
            rustix::fs::unlinkat(to, name, *flags)?;
        }
        match rustix::fs::renameat(from, name, to, name) {
            Err(Errno::XDEV) => across(from, to, name),
            done => done,
        }
    }

    fn failed(&self, path: &Path, errno: Errno) -> Fault {
        unwritten(&self.dest.join(path), &errno.into())
    }
}

const NOT_EMPTY: &str = "the result has a file where a non-empty directory exists; remove it, or \
                         choose another destination";

/// The step for `name`; [`Errno::NOTEMPTY`] if a directory is in the way.
fn step(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr) -> Result<Step, Errno> {
    let kind = |folder| {
        let found = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(FileType::from_raw_mode(found.st_mode))
    };
    let new = kind(from)? == FileType::Directory;
    let old = match kind(to) {
        Err(Errno::NOENT) => return Ok(Step::Move { remove: None }),
        old => old? == FileType::Directory,
    };
    Ok(match (new, old) {
        (true, true) => Step::Merge,
        (true, false) => Step::Move { remove: Some(AtFlags::empty()) },
        (false, false) => Step::Move { remove: None },
        (false, true) => {
            let old = rustix::fs::openat(to, name, DIR, Mode::empty())?;
            if !names(&old)?.is_empty() {
                return Err(Errno::NOTEMPTY);
            }
            Step::Move { remove: Some(AtFlags::REMOVEDIR) }
        }
    })
}

/// Moves `name` onto another file system, which is mounted inside of the destination. A directory
/// is only created; the error [`Errno::XDEV`] says that it has to be filled.
fn across(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    let found = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let (times, beside) = (times(&found), format!("{STAGING}{}", crate::buildkit::random_id()));
    let made = match FileType::from_raw_mode(found.st_mode) {
        FileType::Directory => {
            rustix::fs::mkdirat(to, name, Mode::RWXU)?;
            return Err(Errno::XDEV);
        }
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(from, name, Vec::new())?;
            rustix::fs::symlinkat(&target, to, &beside)?;
            rustix::fs::utimensat(to, &beside, &times, AtFlags::SYMLINK_NOFOLLOW)
        }
        _ => {
            let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut source = File::from(rustix::fs::openat(from, name, read, Mode::empty())?);
            let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mut copy = File::from(rustix::fs::openat(to, &beside, write, Mode::RUSR)?);
            let mode = Mode::from_raw_mode(found.st_mode & 0o7777);
            io::copy(&mut source, &mut copy)
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
                .and_then(|_| rustix::fs::fchmod(&copy, mode))
                .and_then(|()| rustix::fs::futimens(&copy, &times))
        }
    };
    let put = made.and_then(|()| rustix::fs::renameat(to, &beside, to, name));
    if put.is_err() {
        let _ = rustix::fs::unlinkat(to, &beside, AtFlags::empty());
    }
    put
}

fn times(found: &rustix::fs::Stat) -> Timestamps {
    let time = |tv_sec, tv_nsec| rustix::fs::Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: time(found.st_atime as _, found.st_atime_nsec as _),
        last_modification: time(found.st_mtime as _, found.st_mtime_nsec as _),
    }
}

/// Opens a directory below `root`; no component may be a symlink.
fn below(root: &OwnedFd, path: &Path) -> Result<OwnedFd, Errno> {
    let mut folder = rustix::fs::openat(root, ".", DIR, Mode::empty())?;
    for part in path {
        folder = rustix::fs::openat(&folder, part, DIR, Mode::empty())?;
    }
    Ok(folder)
}

/// The entries of a directory, without the staging directories.
fn names(folder: &OwnedFd) -> Result<Vec<std::ffi::OsString>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let name: CString = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(OsStr::from_bytes(name.as_bytes()).to_owned());
        }
    }
    Ok(names)
}
