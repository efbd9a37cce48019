//! The interface of a directory that can be sent: list its entries, open a file.

use std::io::{self, Read};

pub(crate) use bollard_buildkit_proto::fsutil::types::Stat;

/// The bits of Go's `io/fs.FileMode`, which BuildKit uses.
pub(crate) mod mode {
    pub(crate) const DIR: u32 = 1 << 31;
    pub(crate) const SYMLINK: u32 = 1 << 27;
    pub(crate) const DEVICE: u32 = 1 << 26;
    pub(crate) const NAMED_PIPE: u32 = 1 << 25;
    pub(crate) const SOCKET: u32 = 1 << 24;
    pub(crate) const SETUID: u32 = 1 << 23;
    pub(crate) const SETGID: u32 = 1 << 22;
    pub(crate) const CHAR_DEVICE: u32 = 1 << 21;
    pub(crate) const STICKY: u32 = 1 << 20;
    pub(crate) const IRREGULAR: u32 = 1 << 19;
    /// All bits of entries that are not regular files.
    pub(crate) const TYPE: u32 =
        DIR | SYMLINK | NAMED_PIPE | SOCKET | DEVICE | CHAR_DEVICE | IRREGULAR;

    /// Whether `mode` is that of a regular file, the only kind with content to send.
    pub(crate) fn is_regular(mode: u32) -> bool {
        mode & TYPE == 0
    }
}

/// The part of a directory that BuildKit requests; empty lists request everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Patterns in .dockerignore syntax; a path must match at least one of them.
    pub include: Vec<String>,
    /// Patterns in .dockerignore syntax, in order.
    pub exclude: Vec<String>,
    /// Paths to include, together with the targets of symlinks in them.
    pub follow: Vec<String>,
}

/// A tree of files that can be sent.
///
/// The methods block, and are called on threads where that is allowed. Errors must name the path,
/// because they are shown to the user unchanged.
pub(crate) trait FileSource: Send + Sync + 'static {
    /// Calls `visit` with every entry that passes `filter`, in the order of path components (`a`,
    /// `a/b`, `a.txt`), a directory before its entries, with relative paths without `./`. Stops at
    /// the first error of `visit` and returns it.
    fn walk(&self, filter: &Filter, visit: &mut Visit<'_>) -> io::Result<()>;

    /// Opens a regular file that `walk` listed. If the file no longer matches `stat`, this or a
    /// later `read` fails.
    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>>;
}

/// The callback of [`FileSource::walk`].
pub(crate) type Visit<'a> = dyn FnMut(Stat) -> io::Result<()> + 'a;
