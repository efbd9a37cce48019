//! Reads the events of a run while they are written.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::run_file;
use crate::regular;

/// Bytes that are read at once.
const PART: usize = 64 << 10;

/// The lines of `run.jsonl`, from the first one.
pub(crate) struct Follow {
    file: File,
    /// The beginning of a line that is not complete.
    torn: Vec<u8>,
}

impl Follow {
    /// Opens the record in the directory of a run.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self { file: regular::open(&run_file::path(directory))?, torn: Vec::new() })
    }

    /// The next complete lines; empty if there are none yet.
    pub(crate) fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let known = self.torn.len();
            let read = self.file.by_ref().take(PART as u64).read_to_end(&mut self.torn)?;
            if read == 0 {
                return Ok(Vec::new());
            }
            if let Some(end) = self.torn[known..].iter().rposition(|byte| *byte == b'\n') {
                let rest = self.torn.split_off(known + end + 1);
                return Ok(std::mem::replace(&mut self.torn, rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_complete_lines_are_read_and_none_is_lost() {
        let at = tempfile::tempdir().unwrap();
        let path = run_file::path(at.path());
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(&path).unwrap();
        let mut follow = Follow::open(at.path()).unwrap();
        assert_eq!(follow.next().unwrap(), b"");
        let long = "x".repeat(3 * PART);
        for (written, read) in [
            ("a", ""),
            ("b\n", "ab\n"),
            ("c\nd", "c\n"),
            (long.as_str(), ""),
            ("\ne\n", &format!("d{long}\ne\n")),
        ] {
            file.write_all(written.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(follow.next().unwrap()).unwrap(), read);
        }
    }
}
