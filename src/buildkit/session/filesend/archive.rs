//! Archives: writes a byte stream to a file, which appears only when it is complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::super::fault::{Fault, LocalFault, parent};
use super::super::staged;
use super::error::{OutputError, gone, unwritten};
use crate::buildkit::why;

/// The suffix of an incomplete archive.
const PART: &str = ".part";

/// The destination of an archive.
pub(super) enum Sink {
    /// A new file, first written to a temporary file beside it.
    New {
        dest: PathBuf,
    },
    /// A device or a pipe, which is written to directly: replacing it would do damage.
    Special {
        dest: PathBuf,
    },
    Writer(Box<dyn Write + Send>),
}

/// A completely written archive that is not at its destination yet.
pub(super) enum Written {
    Beside(NamedTempFile, PathBuf),
    Already,
}

/// A message to the writer. If the queue ends without `End`, the transfer was aborted.
pub(super) enum Chunk {
    Data(Vec<u8>),
    End,
}

impl Sink {
    /// Checks the destination before the build runs.
    pub(super) fn file(path: &Path) -> Result<Self, OutputError> {
        let error = |what: &str| Err(OutputError::Destination(LocalFault::at(path, what)));
        // Write through a symlink: its target is replaced, not the link.
        let dest = match fs::canonicalize(path) {
            Ok(dest) => dest,
            Err(_) if path.is_symlink() => return error("it is a dangling symlink"),
            Err(_) => path.to_owned(),
        };
        match fs::metadata(&dest) {
            Ok(found) if found.is_dir() => error("it is a directory; name a file in it"),
            Ok(found) if !found.is_file() => Ok(Self::Special { dest }),
            Ok(_) => Ok(Self::New { dest }),
            Err(_) if dest.file_name().is_none() => error("it is not a file name"),
            Err(_) if parent(&dest).is_dir() => Ok(Self::New { dest }),
            Err(_) => error("its directory does not exist; create it first"),
        }
    }

    /// Writes all chunks until `End`.
    pub(super) fn write(self, mut chunks: mpsc::Receiver<Chunk>) -> Result<Written, Fault> {
        match self {
            Self::New { dest } => {
                let mut name = std::ffi::OsString::from(".");
                name.push(dest.file_name().unwrap_or_default());
                staged::sweep(parent(&dest), |found| {
                    let (found, name) = (found.as_encoded_bytes(), name.as_encoded_bytes());
                    found.starts_with(name) && found.ends_with(PART.as_bytes())
                });
                let file = staged::file(parent(&dest), &name, PART)
                    .map_err(|error| unwritten(&dest, &error))?;
                pour(&mut chunks, file.as_file(), &dest)?;
                Ok(Written::Beside(file, dest))
            }
            Self::Special { dest } => {
                let file = File::options().write(true).open(&dest);
                let file = file.map_err(|error| unwritten(&dest, &error))?;
                pour(&mut chunks, &file, &dest)?;
                Ok(Written::Already)
            }
            Self::Writer(out) => {
                pour(&mut chunks, out, Path::new("stdout")).map_err(|fault| match fault {
                    Fault::Here(fault) => Fault::Here(LocalFault { directory: None, ..fault }),
                    there => there,
                })?;
                Ok(Written::Already)
            }
        }
    }
}

impl Written {
    pub(super) fn persist(self) -> Result<(), OutputError> {
        let Self::Beside(file, dest) = self else { return Ok(()) };
        file.persist(&dest).map(drop).map_err(|error| {
            let what = format!("it could not be moved into place: {}", why(&error.error));
            let kind = Some(error.error.kind());
            OutputError::Destination(LocalFault { kind, ..LocalFault::at(&dest, what) })
        })
    }
}

fn pour(chunks: &mut mpsc::Receiver<Chunk>, out: impl Write, dest: &Path) -> Result<(), Fault> {
    let mut out = BufWriter::with_capacity(256 * 1024, out);
    let failed = |error: std::io::Error| unwritten(dest, &error);
    loop {
        match chunks.blocking_recv() {
            Some(Chunk::Data(data)) => out.write_all(&data).map_err(failed)?,
            Some(Chunk::End) => return out.flush().map_err(failed),
            None => return Err(gone()),
        }
    }
}
