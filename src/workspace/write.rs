//! Writes files of the repository, each as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cell_name::dockerfile_name;
use crate::error::{Error, ErrorKind, why};
use crate::failure::disk_help;
use crate::input::parent;
use crate::regular;
use crate::text::unescaped;

/// Writes a file atomically, with the [bytes](unescaped) of `text`. Returns whether its content changed.
pub(crate) fn put(path: &Path, text: &str) -> Result<bool, Error> {
    let bytes = unescaped(text);
    if regular::holds(path, &bytes) {
        return Ok(false);
    }
    whole(path, &bytes).map(|()| true).map_err(|error| unwritable(path, &error))
}

/// Writes a file atomically, and creates its directory.
pub(super) fn whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = parent(path);
    let create = || tempfile::Builder::new().permissions(permissions(path)).tempfile_in(folder);
    let mut file = create().or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => fs::create_dir_all(folder).and_then(|()| create()),
        _ => Err(error),
    })?;
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The error of a failed write, with help if the disk is the cause.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let message = format!("{} cannot be written: {}", path.display(), why(error));
    let failed = Error::new(ErrorKind::Environment, message);
    match disk_help(error.kind(), Some(parent(path)), "choose a path on another one") {
        Some(help) => failed.help(help),
        None => failed.help(match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                "a part of the path is a file, not a directory: choose another path"
            }
            io::ErrorKind::IsADirectory => "this is a directory: choose another path",
            io::ErrorKind::PermissionDenied => "choose another path, or change the permissions",
            _ => "choose another path",
        }),
    }
}

/// The permissions of the existing file, or the usual ones of a new file. The umask still applies.
fn permissions(path: &Path) -> fs::Permissions {
    let new = || std::os::unix::fs::PermissionsExt::from_mode(0o666);
    fs::metadata(path).map_or_else(|_| new(), |present| present.permissions())
}

/// The path of the Dockerfile of a cell.
pub(crate) fn path_in(folder: &Path, cell: &str) -> PathBuf {
    folder.join(dockerfile_name(cell))
}
