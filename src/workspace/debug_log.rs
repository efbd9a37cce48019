//! The file of `--debug FILE`.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::io::Errno;

use super::targets;
use crate::debug::FIRST_LINE;
use crate::error::{ErrorKind, why};
use crate::regular;

/// Opens the file to append lines. A file with other content is not changed.
///
/// A path that onebuild refuses is wrong usage; a path that the system refuses is not.
pub(crate) fn open(path: &Path) -> Result<File, (ErrorKind, String)> {
    let refused = |why: String| (ErrorKind::Usage, why);
    let failed = |error: &io::Error| (ErrorKind::Environment, why(error));
    if path == Path::new("-") {
        return Err(refused("it must be a file".to_owned()));
    }
    targets::check(path).map_err(refused)?;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let mut options = File::options();
    options.read(true).append(true).create(true).mode(0o600).custom_flags(flags.bits() as i32);
    let mut file = options.open(path).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => refused("it is a symbolic link".to_owned()),
        _ => failed(&error),
    })?;
    let prepared = |file: &mut File| -> io::Result<bool> {
        // Another process may have replaced it.
        regular::check(&file.metadata()?)?;
        if !is_ours(file)? {
            return Ok(false);
        }
        file.set_permissions(Permissions::from_mode(0o600))?;
        if file.metadata()?.len() == 0 {
            file.write_all(FIRST_LINE.as_bytes())?;
        }
        Ok(true)
    };
    match prepared(&mut file).map_err(|error| failed(&error))? {
        true => Ok(file),
        false => Err(refused("it exists and is not a debug log".to_owned())),
    }
}

/// Whether a file is empty or a debug log.
fn is_ours(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    file.take(FIRST_LINE.len() as u64).read_to_end(&mut first)?;
    Ok(first.is_empty() || first == FIRST_LINE.as_bytes())
}
