//! A directory as a file source for BuildKit.

use std::io::{self, Read};
use std::sync::Arc;

use crate::buildkit::session::filesync::{FileSource, Filter, Stat, Visit, mode};
use crate::context::{Entry, EntryKind, Folder, LeftOut, Selection};

use super::sent::Ledger;

/// A directory, and the record of what BuildKit is sent of it.
pub(crate) struct Recorded {
    pub(crate) directory: Arc<Folder>,
    pub(crate) ledger: Arc<Ledger>,
    /// Whether an entry that cannot be sent is an error.
    pub(crate) strict: bool,
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
        match left_out_note(&self.directory, left_out) {
            Some(note) if self.strict => Err(io::Error::other(note)),
            Some(note) => {
                self.ledger.leave_out(note);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>> {
        let size = u64::try_from(stat.size).unwrap_or(0);
        Ok(Box::new(self.directory.read(&stat.path, size, stat.mod_time)?))
    }
}

/// Says what was not sent, and how to say so in an ignore file.
fn left_out_note(folder: &Folder, LeftOut { first, count }: LeftOut) -> Option<String> {
    let (path, what) = first?;
    let others = match count {
        1 => String::new(),
        2 => ", and 1 other file that no image can contain".to_owned(),
        many => format!(", and {} other files that no image can contain", many - 1),
    };
    let shown = folder.path().join(&path);
    Some(format!(
        "{} is left out of the build, because it is {what}{others}; write the line `{}` in .dockerignore",
        shown.display(),
        pattern(&path)
    ))
}

/// The pattern that matches only this path.
fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        if "*?[]\\".contains(c) || (pattern.is_empty() && "!#".contains(c)) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
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
    fn the_line_for_an_ignore_file_matches_its_path_alone() {
        for (path, wanted) in [
            ("run/a.sock", "run/a.sock"),
            ("#a*[1]", "\\#a\\*\\[1\\]"),
            ("!a?", "\\!a\\?"),
            ("a!#", "a!#"),
        ] {
            assert_eq!(pattern(path), wanted);
            let rules = crate::context::patterns::Rules::new(&[pattern(path)]).unwrap();
            assert!(rules.matches(path), "{path}");
        }
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
