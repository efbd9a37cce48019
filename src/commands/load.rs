//! Reading the files that the person wrote.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::cli::AxisFlag;
use crate::error::{Error, ErrorKind, SourceFile};
use crate::matrix::Matrix;

/// A text file that a person writes is smaller than this.
const MAX_FILE: u64 = 4 << 20;

/// The matrix that this command line means.
pub(super) fn matrix(args: &[OsString]) -> Result<Matrix, Error> {
    let path = matrix_path(args);
    let file = text(&path).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let told = Error::new(ErrorKind::Matrix, format!("{}: {}", path.display(), why(&error)));
        if missing {
            told.help("run onebuild where matrix.yaml is, or name the file with --file")
        } else {
            told
        }
    })?;
    Ok(Matrix::parse(file)?)
}

/// What `--file` says, read before the command line is understood, since the matrix decides which
/// flags there are.
fn matrix_path(args: &[OsString]) -> PathBuf {
    let mut args = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        }
        if arg == "--file" || arg == "-f" {
            if let Some(value) = args.next() {
                return value.into_owned().into();
            }
        } else if let Some(value) = arg.strip_prefix("--file=").or_else(|| arg.strip_prefix("-f")) {
            return value.strip_prefix('=').unwrap_or(value).into();
        }
    }
    match std::env::var_os("ONEBUILD_FILE") {
        Some(path) if !path.is_empty() => path.into(),
        _ => "matrix.yaml".into(),
    }
}

/// The axes of a matrix as flags.
pub(super) fn axis_flags(matrix: &Matrix) -> Vec<AxisFlag> {
    let flag =
        |axis: &crate::matrix::Axis| AxisFlag { name: axis.name.to_string(), values: axis.known() };
    matrix.axes().iter().map(flag).collect()
}

/// Reads a text file, which must be UTF-8 and no larger than a person would write.
pub(super) fn text(path: &Path) -> io::Result<SourceFile> {
    let file = fs::File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::other(format!("it is not UTF-8 text (line {line})"))
    })?;
    Ok(SourceFile::new(path.display().to_string(), text))
}

/// An error of the operating system without its number.
pub(super) fn why(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_lowercase(),
        None => text,
    }
}
