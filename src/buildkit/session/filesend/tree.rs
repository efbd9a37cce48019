//! Receives a file tree as it arrives.
//!
//! The receiving side of fsutil's transfer: STATs arrive, regular files are requested, a few at a
//! time, and FIN is sent when everything is complete. Whatever the packets contain, nothing outside
//! of the staging directory is touched: every path is opened component by component, and no
//! component may be a symlink. Owners and extended attributes are ignored; files belong to the
//! user.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::super::fault::{Fault, LocalFault, parent};
use super::super::filesync::mode;
use super::error::{OutputError, at, unwritten, wrong};

/// Requested files that are not complete yet. This must stay below the 128 that the sender queues:
/// otherwise both sides could wait for the other to read.
const WINDOW: usize = 32;

pub(super) const DIR: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::WRONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Checks a destination before the build runs.
pub(super) fn check(dest: &Path) -> Result<(), OutputError> {
    let error = |what: &str| Err(OutputError::Destination(LocalFault::at(dest, what)));
    match dest.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => error("it exists and is not a directory"),
        Err(_) if parent(dest).is_dir() => Ok(()),
        Err(_) => error("its parent directory does not exist; create it first"),
    }
}

/// A tree that is being received.
pub(super) struct Tree {
    root: OwnedFd,
    /// The final destination, for messages.
    dest: PathBuf,
    next: u32,
    waiting: VecDeque<(u32, Stat)>,
    open: HashMap<u32, Open>,
    folders: Vec<Stat>,
    /// The directory of the last entry.
    last: Option<(String, OwnedFd)>,
    listed: bool,
    complete: bool,
    finished: bool,
}

/// A requested file.
struct Open {
    file: File,
    stat: Stat,
    written: i64,
}

impl Tree {
    /// A tree that is received into `staging` and will be moved to `dest`.
    pub(super) fn create(staging: &Path, dest: &Path) -> Result<Self, Fault> {
        let root = rustix::fs::open(staging, DIR, Mode::empty())
            .map_err(|errno| unwritten(dest, &errno.into()))?;
        Ok(Self {
            root,
            dest: dest.to_owned(),
            next: 0,
            waiting: VecDeque::new(),
            open: HashMap::new(),
            folders: Vec::new(),
            last: None,
            listed: false,
            complete: false,
            finished: false,
        })
    }

    /// Whether all of it is on disk, so that FIN can be sent.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether BuildKit has acknowledged that.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Handles a packet and returns the replies.
    pub(super) fn take(&mut self, packet: Packet) -> Result<Vec<Packet>, Fault> {
        let mut replies = Vec::new();
        match packet.r#type() {
            PacketType::PacketStat => match packet.stat {
                Some(stat) if !self.listed => {
                    let id = self.next;
                    self.next += 1;
                    self.entry(id, stat)?;
                }
                Some(stat) => return Err(self.error(&stat.path, "it came after the end")),
                None => self.listed = true,
            },
            PacketType::PacketData => self.data(packet.id, &packet.data)?,
            PacketType::PacketFin if self.complete => self.finished = true,
            PacketType::PacketFin => {
                return Err(wrong("BuildKit ended the transfer before all files were complete"));
            }
            PacketType::PacketErr => {
                let said = String::from_utf8_lossy(&packet.data).into_owned();
                return Err(wrong(format!("BuildKit could not send the files: {said}")));
            }
            PacketType::PacketReq => {
                return Err(wrong("BuildKit requested files in a transfer that it sends"));
            }
        }
        self.ask(&mut replies)?;
        if self.listed && self.open.is_empty() && !self.complete {
            self.complete = true;
            replies.push(reply(PacketType::PacketFin, 0));
        }
        Ok(replies)
    }

    fn entry(&mut self, id: u32, stat: Stat) -> Result<(), Fault> {
        let full = self.dest.join(&stat.path);
        let errno = |errno: Errno| unwritten(&full, &errno.into());
        let bad = |part: &str| matches!(part, "" | "." | "..") || part.contains('\0');
        if stat.path.split('/').any(bad) {
            return Err(self.error(&stat.path, "BuildKit sent a path outside of the destination"));
        }
        if stat.path.split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
            // Otherwise Git would run a hook from the image.
            let what = "nothing is written into a `.git` directory; leave it out of the image, or \
                        use an archive";
            return Err(self.error(&stat.path, what));
        }
        let (dir, name) = stat.path.rsplit_once('/').unwrap_or(("", &stat.path));
        let dir = self.folder(dir)?;
        let dir = dir.as_fd();
        let is_dir = stat.mode & mode::DIR != 0;
        match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(other) => return Err(errno(other)),
            Ok(old) => match FileType::from_raw_mode(old.st_mode) {
                FileType::Directory if is_dir => {}
                FileType::Directory => match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
                    Err(Errno::NOTEMPTY | Errno::EXIST) => {
                        return Err(wrong(format!(
                            "BuildKit sent {} twice with different types",
                            stat.path
                        )));
                    }
                    done => done.map_err(errno)?,
                },
                _ => rustix::fs::unlinkat(dir, name, AtFlags::empty()).map_err(errno)?,
            },
        }
        let kind = stat.mode & mode::TYPE;
        if is_dir {
            match rustix::fs::mkdirat(dir, name, Mode::RWXU) {
                Err(Errno::EXIST) => {}
                made => made.map_err(errno)?,
            }
            self.folders.push(stat);
        } else if kind == mode::SYMLINK {
            rustix::fs::symlinkat(&stat.linkname, dir, name).map_err(errno)?;
            let times = times(stat.mod_time);
            rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(errno)?;
        } else if kind != 0 {
            let what = "it is a device, pipe or socket, which is not created here; use an archive";
            return Err(self.error(&stat.path, what));
        } else if stat.linkname.is_empty() {
            let flags = FILE | OFlags::CREATE | OFlags::EXCL;
            rustix::fs::openat(dir, name, flags, Mode::RUSR | Mode::WUSR).map_err(errno)?;
            self.waiting.push_back((id, stat));
        } else {
            let (to_dir, to_name) = stat.linkname.rsplit_once('/').unwrap_or(("", &stat.linkname));
            if stat.linkname.split('/').any(bad) {
                return Err(self.error(
                    &stat.path,
                    "BuildKit sent a link to a path outside of the destination",
                ));
            }
            let from = self.folder(to_dir)?;
            rustix::fs::linkat(&from, to_name, dir, name, AtFlags::empty()).map_err(errno)?;
        }
        Ok(())
    }

    /// Opens a directory of the tree.
    fn folder(&mut self, path: &str) -> Result<OwnedFd, Fault> {
        let errno = |path: &Path, errno: Errno| match errno {
            Errno::LOOP | Errno::NOTDIR => at(path, "a link is in the way; remove it"),
            other => unwritten(path, &other.into()),
        };
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            let mut dir = self.root.try_clone().map_err(|error| unwritten(&self.dest, &error))?;
            for part in path.split('/').filter(|part| !part.is_empty()) {
                dir = rustix::fs::openat(&dir, part, DIR, Mode::empty())
                    .map_err(|error| errno(&self.dest.join(path), error))?;
            }
            self.last = Some((path.to_owned(), dir));
        }
        let (_, dir) = self.last.as_ref().expect("just set");
        dir.try_clone().map_err(|error| unwritten(&self.dest.join(path), &error))
    }

    /// Requests files up to the limit.
    fn ask(&mut self, replies: &mut Vec<Packet>) -> Result<(), Fault> {
        while self.open.len() < WINDOW {
            let Some((id, stat)) = self.waiting.pop_front() else { break };
            let (dir, name) = stat.path.rsplit_once('/').unwrap_or(("", &stat.path));
            let dir = self.folder(dir)?;
            let file = rustix::fs::openat(&dir, name, FILE, Mode::empty())
                .map_err(|errno| unwritten(&self.dest.join(&stat.path), &errno.into()))?;
            self.open.insert(id, Open { file: File::from(file), stat, written: 0 });
            replies.push(reply(PacketType::PacketReq, id));
        }
        Ok(())
    }

    fn data(&mut self, id: u32, data: &[u8]) -> Result<(), Fault> {
        let Some(open) = self.open.get_mut(&id) else {
            return Err(wrong(format!("BuildKit sent file {id}, which was not requested")));
        };
        let path = self.dest.join(&open.stat.path);
        let failed = |error: io::Error| unwritten(&path, &error);
        open.file.write_all(data).map_err(failed)?;
        open.written = open.written.saturating_add(i64::try_from(data.len()).unwrap_or(i64::MAX));
        if data.is_empty() {
            if open.written != open.stat.size {
                let (got, size) = (open.written, open.stat.size);
                return Err(at(&path, format!("only {got} of {size} bytes arrived")));
            }
            let open = self.open.remove(&id).expect("found above");
            set_metadata(&open.file, &open.stat).map_err(|errno| failed(errno.into()))?;
        }
        Ok(())
    }

    /// The directories of the tree, outermost first. Their modes and times are set last: writing
    /// into a directory changes its time, and its mode may forbid it.
    pub(super) fn folders(&mut self) -> Vec<Stat> {
        std::mem::take(&mut self.folders)
    }

    fn error(&self, path: &str, what: &str) -> Fault {
        at(&self.dest.join(path), what)
    }
}

fn reply(kind: PacketType, id: u32) -> Packet {
    Packet { r#type: kind.into(), id, ..Packet::default() }
}

pub(super) fn set_metadata(file: impl std::os::fd::AsFd, stat: &Stat) -> Result<(), Errno> {
    let mut bits = Mode::from_raw_mode(stat.mode & 0o777);
    bits.set(Mode::SUID, stat.mode & mode::SETUID != 0);
    bits.set(Mode::SGID, stat.mode & mode::SETGID != 0);
    bits.set(Mode::SVTX, stat.mode & mode::STICKY != 0);
    rustix::fs::fchmod(&file, bits)?;
    rustix::fs::futimens(&file, &times(stat.mod_time))
}

/// The modification time, in nanoseconds since 1970; the access time is not changed.
fn times(modified: i64) -> Timestamps {
    const SECOND: i64 = 1_000_000_000;
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: modified.div_euclid(SECOND),
            tv_nsec: modified.rem_euclid(SECOND),
        },
    }
}
