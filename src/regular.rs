//! Opens regular files only.
//!
//! Opening a named pipe may block, and opening a device may have side effects. All files whose
//! names come from outside are opened here, so that other file types are refused at once, with the
//! same message.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Opens the regular file at `path` for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path, OFlags::empty())
}

/// The same, with `options` and `flags`.
pub(crate) fn open_with(options: &mut OpenOptions, path: &Path, flags: OFlags) -> io::Result<File> {
    match path.metadata() {
        Ok(found) => check(&found)?,
        // `options` decide whether it is created.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The file may have been replaced since, so this open must not block either.
    let flags = flags | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("a flag of open(2) is an int");
    let file = options.custom_flags(flags).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// The content of the regular file at `path`; `None` if it is longer than `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    open(path)?.take(limit as u64 + 1).read_to_end(&mut content)?;
    Ok((content.len() <= limit).then_some(content))
}

/// Whether the regular file at `path` has exactly this content.
pub(crate) fn holds(path: &Path, content: &[u8]) -> bool {
    read(path, content.len()).is_ok_and(|found| found.as_deref() == Some(content))
}

/// Returns an error for anything that is not a regular file.
pub(crate) fn check(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
        }
        () if kind.is_fifo() => "it is a named pipe",
        () if kind.is_socket() => "it is a socket",
        () => "it is a device",
    };
    Err(io::Error::other(format!("{what}, not a regular file")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), 0o600.into()).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        std::os::unix::fs::symlink("pipe", at("link")).unwrap();
        for (path, said) in [
            (at("pipe"), "it is a named pipe, not a regular file"),
            (at("link"), "it is a named pipe, not a regular file"),
            (at("socket"), "it is a socket, not a regular file"),
            (at("directory"), "it is a directory"),
            ("/dev/zero".into(), "it is a device, not a regular file"),
        ] {
            assert_eq!(open(&path).unwrap_err().to_string(), said);
            let mut both = OpenOptions::new();
            let opened =
                open_with(both.read(true).write(true).create(true), &path, OFlags::empty());
            assert_eq!(opened.unwrap_err().to_string(), said);
            assert!(!holds(&path, b""));
        }
        assert_eq!(open(&at("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read(&path, 4).unwrap().as_deref(), Some(&b"four"[..]));
        assert_eq!(read(&path, 3).unwrap(), None);
        for (content, same) in [("four", true), ("for", false), ("fours", false), ("", false)] {
            assert_eq!(holds(&path, content.as_bytes()), same, "{content}");
        }
    }
}
