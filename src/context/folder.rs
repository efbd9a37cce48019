//! A folder on disk, read without ever leaving it.
//!
//! Every path is opened component by component from the root's own handle, and no component may
//! be a link: whatever is moved or swapped meanwhile, nothing outside is read.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::error::why;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    root: OwnedFd,
    /// As the person wrote it, for messages.
    path: PathBuf,
}

/// Which directory of a machine this is. A path alone does not say so: two containers may have other
/// directories at one path, and a directory may be removed and made again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Absolute, and without symbolic links.
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
}

/// What the file system says of a regular file, less its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    pub size: u64,
    pub permissions: u32,
    /// When its content was last written, in nanoseconds since 1970. Any program can set this.
    pub modified: i64,
    /// When anything of it was last changed, in the same unit. Only the kernel sets this.
    pub changed: i64,
    pub inode: u64,
}

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Without `NONBLOCK` opening a pipe that was put in a file's place would wait for a writer.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens the folder at `path`, which may be a link to one.
    pub fn open(path: &Path) -> io::Result<Self> {
        let root = rustix::fs::open(path, DIR, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => named(path, "there is no such folder"),
            Errno::NOTDIR => named(path, "it is no folder"),
            other => named(path, &io::Error::from(other).to_string()),
        })?;
        Ok(Self { root, path: path.to_owned() })
    }

    /// Which directory this is.
    pub fn identity(&self) -> io::Result<Identity> {
        let stat = rustix::fs::fstat(&self.root)
            .map_err(|errno| named(&self.path, &io::Error::from(errno).to_string()))?;
        let path = self.path.canonicalize().map_err(|error| named(&self.path, &why(&error)))?;
        Ok(Identity { path, device: stat.st_dev, inode: stat.st_ino })
    }

    /// The state of a regular file; nothing for what is missing or something else. Links on the way
    /// to it are followed: nothing is read.
    pub fn state(&self, path: &str) -> Option<FileState> {
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

    /// An error about `path`, a path in this folder.
    pub(super) fn error(&self, path: &str, what: &str) -> io::Error {
        named(&self.path.join(path), what)
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// The folder that `path` is in, and its last component; an empty path is the root itself.
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

    /// Opens a folder below.
    pub(super) fn dir(&self, path: &str) -> Result<OwnedFd, Errno> {
        let (parent, name) = self.parent(path)?;
        open_dir(parent.as_fd(), name)
    }

    /// Where `path` points, if it is a link; nothing if it is something else or nothing at all.
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

    /// Opens a regular file that was `size` bytes long and last written at `modified`
    /// (nanoseconds). That it still is so is checked here, and again when its end is reached.
    pub fn read(
        &self,
        path: &str,
        size: u64,
        modified: i64,
    ) -> io::Result<impl Read + Send + use<>> {
        let opened = self
            .parent(path)
            .and_then(|(dir, name)| rustix::fs::openat(&dir, name, FILE, Mode::empty()));
        let file = opened.map_err(|errno| match errno {
            Errno::NOENT => self.error(path, "it vanished while it was sent"),
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
    "it may not be read (permission denied); make it readable, or name it in .dockerignore";
const CHANGED: &str = "it changed while it was sent; build again when nothing writes to it";

fn named(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{}: {}", path.display(), why(&what)))
}

/// Opens a folder in `dir`; a link is not followed.
pub(super) fn open_dir(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, name, DIR | OFlags::NOFOLLOW, Mode::empty())
}

/// The names in `dir`, in no order.
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

/// What `name` in `dir` is, without following it.
pub(super) fn stat(dir: BorrowedFd<'_>, name: &[u8]) -> Result<rustix::fs::Stat, Errno> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The twelve permission bits.
pub(super) fn permissions(stat: &rustix::fs::Stat) -> u32 {
    u32::from(stat.st_mode as u16 & 0o7777)
}

/// When a file was last written, in nanoseconds since 1970.
pub(super) fn modified(stat: &rustix::fs::Stat) -> i64 {
    // The type of the nanoseconds differs between platforms; they are always below a billion.
    nanoseconds(stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0))
}

/// When anything of a file was last changed, in nanoseconds since 1970.
pub(super) fn changed(stat: &rustix::fs::Stat) -> i64 {
    nanoseconds(stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0))
}

fn nanoseconds(seconds: i64, nanos: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// A file that is checked against what was promised of it.
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
