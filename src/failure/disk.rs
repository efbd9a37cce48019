//! What to do when a disk of this machine does not take a file.

use std::io::ErrorKind;
use std::path::Path;

/// The help for an error of `kind` in `directory`; for stdout there is no directory. `instead` is what
/// also helps. Nothing where the error is not about the disk.
pub fn disk_help(kind: ErrorKind, directory: Option<&Path>, instead: &str) -> Option<String> {
    let place = match directory {
        Some(directory) => directory.display().to_string(),
        None => "stdout".to_owned(),
    };
    let what = match kind {
        ErrorKind::StorageFull => {
            format!("free space on the disk of this machine that {place} is on")
        }
        ErrorKind::QuotaExceeded => {
            format!(
                "your disk quota on this machine is used up: remove files from the disk of {place}"
            )
        }
        ErrorKind::ReadOnlyFilesystem => {
            return Some(format!("{place} is on a disk that is mounted read-only: {instead}"));
        }
        ErrorKind::FileTooLarge => {
            format!(
                "raise the limit on the size of a file for {place} (ulimit -f, or the file system)"
            )
        }
        _ => return None,
    };
    Some(format!("{what}, or {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_this_machine_is_named() {
        let help = |kind, place| disk_help(kind, place, "write elsewhere");
        let out = Some(Path::new("/out"));
        for (kind, place, wanted) in [
            (
                ErrorKind::StorageFull,
                out,
                Some("free space on the disk of this machine that /out is on, or write elsewhere"),
            ),
            (
                ErrorKind::StorageFull,
                None,
                Some(
                    "free space on the disk of this machine that stdout is on, or write elsewhere",
                ),
            ),
            (
                ErrorKind::QuotaExceeded,
                out,
                Some(
                    "your disk quota on this machine is used up: remove files from the disk of /out, \
                     or write elsewhere",
                ),
            ),
            (
                ErrorKind::ReadOnlyFilesystem,
                out,
                Some("/out is on a disk that is mounted read-only: write elsewhere"),
            ),
            (
                ErrorKind::FileTooLarge,
                out,
                Some(
                    "raise the limit on the size of a file for /out (ulimit -f, or the file system), \
                     or write elsewhere",
                ),
            ),
            (ErrorKind::PermissionDenied, out, None),
        ] {
            assert_eq!(help(kind, place).as_deref(), wanted);
        }
    }
}
