//! Help for errors of a disk on this machine.

use std::io::ErrorKind;
use std::path::Path;

/// The help for an error of `kind` in `directory`, which is `None` for stdout. `instead` is an
/// alternative to suggest. Returns `None` if the disk is not the cause.
pub(crate) fn disk_help(
    kind: ErrorKind,
    directory: Option<&Path>,
    instead: &str,
) -> Option<String> {
    let place = match directory {
        Some(directory) => directory.display().to_string(),
        None => "stdout".to_owned(),
    };
    let what = match kind {
        ErrorKind::StorageFull => {
            format!("free up disk space on this machine for {place}")
        }
        ErrorKind::QuotaExceeded => {
            format!(
                "your disk quota on this machine is exceeded: remove files from the disk of {place}"
            )
        }
        ErrorKind::ReadOnlyFilesystem => {
            return Some(format!("{place} is on a disk that is mounted read-only: {instead}"));
        }
        ErrorKind::FileTooLarge => {
            format!("raise the file size limit for {place} (ulimit -f, or the file system)")
        }
        _ => return None,
    };
    Some(format!("{what}, or {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_the_disk_of_this_machine() {
        let help = |kind, place| disk_help(kind, place, "write elsewhere");
        let out = Some(Path::new("/out"));
        for (kind, place, wanted) in [
            (
                ErrorKind::StorageFull,
                out,
                Some("free up disk space on this machine for /out, or write elsewhere"),
            ),
            (
                ErrorKind::StorageFull,
                None,
                Some("free up disk space on this machine for stdout, or write elsewhere"),
            ),
            (
                ErrorKind::QuotaExceeded,
                out,
                Some(
                    "your disk quota on this machine is exceeded: remove files from the disk of /out, \
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
                    "raise the file size limit for /out (ulimit -f, or the file system), \
                     or write elsewhere",
                ),
            ),
            (ErrorKind::PermissionDenied, out, None),
        ] {
            assert_eq!(help(kind, place).as_deref(), wanted);
        }
    }
}
