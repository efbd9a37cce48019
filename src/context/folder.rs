//! A directory on disk that can be read without ever leaving it.
//!
//! Every path is opened component by component from the handle of the root, and no component may be
//! a symlink. Even if files are moved or replaced meanwhile, nothing outside is read.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::error::why;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Folder {
    root: OwnedFd,
    /// As the user wrote it, for messages.
    path: PathBuf,
}

/// Identifies a directory on a machine. A path alone does not: two containers may have different
/// directories at the same path, and a directory may be removed and created again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// Absolute and without symlinks.
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
}

/// Metadata of a regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    pub size: u64,
    pub permissions: u32,
    /// Last write of the content, in nanoseconds since 1970. Any program can set this.
    pub modified: i64,
    /// Last change of the content or metadata, in the same unit. Only the kernel sets this.
    pub changed: i64,
    pub inode: u64,
}

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Without `NONBLOCK`, opening a pipe in a file's place would wait for a writer.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens the directory at `path`, which may be a symlink.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let root = rustix::fs::open(path, DIR, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => named(path, "no such directory"),
            Errno::NOTDIR => named(path, "not a directory"),
            other => named(path, &io::Error::from(other).to_string()),
        })?;
        Ok(Self { root, path: path.to_owned() })
    }

    /// Its path as the user wrote it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The identity of this directory.
    pub(crate) fn identity(&self) -> io::Result<Identity> {
        let stat = rustix::fs::fstat(&self.root)
            .map_err(|errno| named(&self.path, &io::Error::from(errno).to_string()))?;
        let path = self.path.canonicalize().map_err(|error| named(&self.path, &why(&error)))?;
        Ok(Identity { path, device: stat.st_dev, inode: stat.st_ino })
    }

    /// The state of a regular file; `None` if it is missing or not a regular file. Symlinks in the
    /// path are followed, because no content is read.
    pub(crate) fn state(&self, path: &str) -> Option<FileState> {
        let stat = stat(self.root(), path.as_bytes()).ok()?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        is_file.then(|| FileState {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            permissions: permissions(&stat),
            modified: modified(&stat),
            changed: changed(&stat),
            inode: stat.st_ino,
        })
    }

    /// An error about `path`, relative to this directory.
    pub(super) fn error(&self, path: &str, what: &str) -> io::Error {
        named(&self.path.join(path), what)
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The parent directory of `path`, and its last component. An empty path is the root itself.
    fn parent<'p>(&self, path: &'p str) -> Result<(OwnedFd, &'p str), Errno> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if path.split('/').any(|part| part == "..") {
            return Err(Errno::LOOP);
        }
        let mut dir = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        for part in parent.split('/').filter(|part| !part.is_empty()) {
            dir = open_dir(dir.as_fd(), part)?;
        }
        Ok((dir, if name.is_empty() { "." } else { name }))
    }

    /// Opens a subdirectory.
    pub(super) fn dir(&self, path: &str) -> Result<OwnedFd, Errno> {
        let (parent, name) = self.parent(path)?;
        open_dir(parent.as_fd(), name)
    }

    /// The target of `path` if it is a symlink; `None` if it is another kind of file or missing.
    pub(super) fn link(&self, path: &str) -> Result<Option<Vec<u8>>, Errno> {
        let read = self.parent(path).and_then(|(dir, name)| {
            rustix::fs::readlinkat(&dir, name, Vec::new()).map(|target| target.into_bytes())
        });
        match read {
            Ok(target) => Ok(Some(target)),
            Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Opens a regular file that had `size` bytes and the modification time `modified`
    /// (nanoseconds). Both are verified here, and again at the end of the file.
    pub(crate) fn read(
        &self,
        path: &str,
        size: u64,
        modified: i64,
    ) -> io::Result<impl Read + Send + use<>> {
        let opened = self
            .parent(path)
            .and_then(|(dir, name)| rustix::fs::openat(&dir, name, FILE, Mode::empty()));
        let file = opened.map_err(|errno| match errno {
            Errno::NOENT => self.error(path, "it was removed during the transfer"),
            Errno::LOOP | Errno::NOTDIR => self.error(path, CHANGED),
            Errno::ACCESS | Errno::PERM => self.error(path, UNREADABLE),
            other => self.error(path, &io::Error::from(other).to_string()),
        })?;
        let file = Watched {
            file: File::from(file),
            path: self.path.join(path),
            promised: (size, modified),
        };
        file.unchanged()?;
        Ok(file)
    }
}

pub(super) const UNREADABLE: &str =
    "permission denied; make it readable, or add it to .dockerignore";
const CHANGED: &str = "it changed during the transfer; build again when no process writes to it";

fn named(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: {}", path.display(), why(&what)))
}

/// Opens a directory in `dir`, but not through a symlink.
pub(super) fn open_dir(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, name, DIR | OFlags::NOFOLLOW, Mode::empty())
}

/// The names in `dir`, unsorted.
pub(super) fn names(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(dir)? {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name.to_bytes().to_vec());
        }
    }
    Ok(names)
}

/// Metadata of `name` in `dir`, without following a symlink.
pub(super) fn stat(dir: BorrowedFd<'_>, name: &[u8]) -> Result<rustix::fs::Stat, Errno> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The twelve permission bits.
pub(super) fn permissions(stat: &rustix::fs::Stat) -> u32 {
    u32::from(stat.st_mode as u16 & 0o7777)
}

/// Modification time of a file, in nanoseconds since 1970.
pub(super) fn modified(stat: &rustix::fs::Stat) -> i64 {
    // The type of the nanoseconds differs between platforms; the value is always below 10^9.
    nanoseconds(stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0))
}

/// Last change of a file's content or metadata, in nanoseconds since 1970.
pub(super) fn changed(stat: &rustix::fs::Stat) -> i64 {
    nanoseconds(stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0))
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// A file whose size and modification time must not change while it is read.
struct Watched {
    file: File,
    path: PathBuf,
    promised: (u64, i64),
}

impl Watched {
    fn unchanged(&self) -> io::Result<()> {
        let stat = rustix::fs::fstat(&self.file)?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let found = (u64::try_from(stat.st_size).unwrap_or(0), modified(&stat));
        if regular && found == self.promised { Ok(()) } else { Err(named(&self.path, CHANGED)) }
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            Ok(0) => self.unchanged().map(|()| 0),
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(named(&self.path, &error.to_string())),
        }
    }
}
