//! What a folder must be able to do to be sent: list itself, and open one file.

use std::io::{self, Read};

pub use bollard_buildkit_proto::fsutil::types::Stat;

/// The bits of Go's `io/fs.FileMode`, in which BuildKit speaks of modes.
pub mod mode {
    pub const DIR: u32 = 1 << 31;
    pub const SYMLINK: u32 = 1 << 27;
    pub const DEVICE: u32 = 1 << 26;
    pub const NAMED_PIPE: u32 = 1 << 25;
    pub const SOCKET: u32 = 1 << 24;
    pub const SETUID: u32 = 1 << 23;
    pub const SETGID: u32 = 1 << 22;
    pub const CHAR_DEVICE: u32 = 1 << 21;
    pub const STICKY: u32 = 1 << 20;
    pub const IRREGULAR: u32 = 1 << 19;
    /// Every bit that says that something is not a regular file.
    pub const TYPE: u32 = DIR | SYMLINK | NAMED_PIPE | SOCKET | DEVICE | CHAR_DEVICE | IRREGULAR;

    /// Whether `mode` is that of a regular file, the only kind that has content to send.
    pub fn is_regular(mode: u32) -> bool {
        mode & TYPE == 0
    }
}

/// Which part of a folder BuildKit asks for; empty lists ask for all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Rules of .dockerignore's syntax, at least one of which a path must match.
    pub include: Vec<String>,
    /// Rules of .dockerignore's syntax, in their order.
    pub exclude: Vec<String>,
    /// Paths to include along with everything that links on the way to them lead to.
    pub follow: Vec<String>,
}

/// A tree of files that can be sent.
///
/// The methods block; they are called on threads where that does no harm. Errors must name the
/// path, as they reach a person as they are.
pub trait FileSource: Send + Sync + 'static {
    /// Calls `visit` with every entry that passes `filter`: in the order of path components
    /// (`a`, `a/b`, `a.txt`), a folder before what is in it, paths relative and without `./`.
    /// Ends at the first error of `visit` and returns it.
    fn walk(&self, filter: &Filter, visit: &mut Visit<'_>) -> io::Result<()>;

    /// Opens the content of a regular file that `walk` listed. When the file is no longer what
    /// `stat` says, this or a later `read` fails.
    fn open(&self, stat: &Stat) -> io::Result<Box<dyn Read + Send>>;
}

/// What [`FileSource::walk`] calls.
pub type Visit<'a> = dyn FnMut(Stat) -> io::Result<()> + 'a;
