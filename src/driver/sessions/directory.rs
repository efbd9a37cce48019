//! A directory as a file source for BuildKit.

use std::io::{self, Read};
use std::sync::Arc;

use crate::buildkit::session::filesync::{FileSource, Filter, Stat, Visit, mode};
use crate::context::{Entry, EntryKind, Folder, Selection};

use super::sent::Ledger;

/// A directory, and the record of what BuildKit is sent of it.
pub(crate) struct Recorded {
    pub(crate) directory: Arc<Folder>,
    pub(crate) ledger: Arc<Ledger>,
}

impl FileSource for Recorded {
    fn walk(&self, filter: &Filter, visit: &mut Visit<'_>) -> io::Result<()> {
        let selection = Selection {
            include: &filter.include,
            exclude: &filter.exclude,
            follow: &filter.follow,
        };
        let left_out = self.directory.walk(selection, &mut |entry| {
            self.ledger.announce(&entry);
            visit(stat(entry))
        })?;
        self.ledger.leave_out(&self.directory, left_out);
        Ok(())
    }

    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>> {
        let size = u64::try_from(stat.size).unwrap_or(0);
        Ok(Box::new(self.directory.read(&stat.path, size, stat.mod_time)?))
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
        EntryKind::Folder => (mode::DIR, 0, String::new()),
        EntryKind::File { size } => (0, size, String::new()),
        // With its size, although no content is sent: BuildKit compares it with its copy. If they
        // differ, it creates a new link and leaves a `.tmp.N` in its copy of the directory.
        EntryKind::HardLink { to, size } => (0, size, to),
        EntryKind::Link { to } => (mode::SYMLINK, to.len() as u64, to),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, permissions: u32) -> Entry {
        Entry { path: "p".to_owned(), kind, permissions, modified: 5, changed: 6, inode: 7 }
    }

    #[test]
    fn modes_use_the_bits_of_go() {
        let to = || "to".to_owned();
        let cases = [
            (EntryKind::Folder, 0o1777, mode::DIR | mode::STICKY | 0o777, 0, ""),
            (EntryKind::File { size: 7 }, 0o6755, mode::SETUID | mode::SETGID | 0o755, 7, ""),
            (EntryKind::HardLink { to: to(), size: 7 }, 0o644, 0o644, 7, "to"),
            (EntryKind::Link { to: to() }, 0o777, mode::SYMLINK | 0o777, 2, "to"),
        ];
        for (kind, permissions, bits, size, linkname) in cases {
            let stat = stat(entry(kind, permissions));
            assert_eq!((stat.mode, stat.size, stat.linkname.as_str()), (bits, size, linkname));
            assert_eq!((stat.uid, stat.gid, stat.mod_time), (0, 0, 5));
            assert!(stat.xattrs.is_empty());
        }
    }
}
