//! An archive: a stream of bytes into a file that appears when it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::super::fault::{Fault, LocalFault, parent};
use super::super::staged;
use super::error::{OutputError, gone, unwritten};
use crate::buildkit::why;

/// How the name of an archive ends before it is whole.
const PART: &str = ".part";

/// Where an archive goes.
pub(super) enum Sink {
    /// A new file, written beside it at first.
    New {
        dest: PathBuf,
    },
    /// A device or a pipe: written into, for replacing it would be the surprise of someone's life.
    Special {
        dest: PathBuf,
    },
    Writer(Box<dyn Write + Send>),
}

/// What was written, not yet in its place.
pub(super) enum Written {
    Beside(NamedTempFile, PathBuf),
    Already,
}

/// What the writer is told. A queue that ends without `End` was broken off.
pub(super) enum Chunk {
    Data(Vec<u8>),
    End,
}

impl Sink {
    /// Finds out what there is to know before the build has run.
    pub(super) fn file(path: &Path) -> Result<Self, OutputError> {
        let error = |what: &str| Err(OutputError::Destination(LocalFault::at(path, what)));
        // A link is written through: its target is replaced, not the link.
        let dest = match fs::canonicalize(path) {
            Ok(dest) => dest,
            Err(_) if path.is_symlink() => return error("it is a link to nowhere"),
            Err(_) => path.to_owned(),
        };
        match fs::metadata(&dest) {
            Ok(found) if found.is_dir() => error("it is a folder; give the name of a file in it"),
            Ok(found) if !found.is_file() => Ok(Self::Special { dest }),
            Ok(_) => Ok(Self::New { dest }),
            Err(_) if dest.file_name().is_none() => error("it is no name of a file"),
            Err(_) if parent(&dest).is_dir() => Ok(Self::New { dest }),
            Err(_) => error("its folder does not exist; make it first"),
        }
    }

    /// Writes all that comes, until `End`.
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
            let what = format!("it could not be put in its place: {}", why(&error.error));
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
