//! A folder as something that BuildKit can be sent.

use std::io::{self, Read};

use crate::buildkit::session::filesync::{FileSource, Filter, Stat, Visit, mode};

use super::folder::Folder;
use super::walk::{Entry, Kind, Selection};

impl FileSource for Folder {
    fn walk(&self, filter: &Filter, visit: &mut Visit<'_>) -> io::Result<()> {
        let selection = Selection {
            include: &filter.include,
            exclude: &filter.exclude,
            follow: &filter.follow,
        };
        Folder::walk(self, selection, &mut |entry| visit(stat(entry)))
    }

    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>> {
        let size = u64::try_from(stat.size).unwrap_or(0);
        Ok(Box::new(self.read(&stat.path, size, stat.mod_time)?))
    }
}

fn stat(entry: Entry) -> Stat {
    let special = [(0o4000, mode::SETUID), (0o2000, mode::SETGID), (0o1000, mode::STICKY)];
    let mut bits = entry.permissions & 0o777;
    for (unix, go) in special {
        if entry.permissions & unix != 0 {
            bits |= go;
        }
    }
    let (kind, size, linkname) = match entry.kind {
        Kind::Folder => (mode::DIR, 0, String::new()),
        Kind::File { size } => (0, size, String::new()),
        Kind::HardLink { to } => (0, 0, to),
        Kind::Link { to } => (mode::SYMLINK, to.len() as u64, to),
    };
    Stat {
        path: entry.path,
        mode: bits | kind,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        mod_time: entry.modified,
        linkname,
        ..Stat::default()
    }
}
