//! Reading the files that the person wrote.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::elsewhere;
use crate::cli::{AxisFlag, SelectArgs};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, SourceFile, why};
use crate::matrix::{Axis, Files, Matrix, Sheet};
use crate::plan::Root;
use crate::template::is_name;

/// A text file that a person writes is smaller than this.
const MAX_FILE: u64 = 4 << 20;

/// The files of the matrix that this command line means, laid over each other.
pub(super) fn sheet(args: &[OsString]) -> Result<Sheet, Error> {
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
    let mut files = Files::new(file)?;
    let mut errors = Diagnostics::default();
    loop {
        let needed = files.needed();
        if needed.is_empty() {
            return Ok(files.merged()?);
        }
        for file in needed {
            let inserted = match text(Path::new(&file.path)) {
                Ok(source) => files.insert(&file.path, &source),
                Err(error) => {
                    let message = format!("{} cannot be read", file.path);
                    let finding = Diagnostic::error(message).at(&file.span, why(&error));
                    Err(finding.help("it is counted from the folder of this file").into())
                }
            };
            inserted.unwrap_or_else(|found| errors.extend(found));
        }
        if errors.has_errors() {
            return Err(errors.into());
        }
    }
}

/// The matrix, with the values that come from elsewhere.
pub(super) fn matrix(sheet: &Sheet, select: &SelectArgs) -> Result<Matrix, Error> {
    let folder = Root::of(&select.file);
    let resolved = elsewhere::resolved(&sheet.outside(), &folder, select.offline)?;
    Ok(sheet.read(&resolved)?)
}

/// The matrix as far as it is known here and now, whatever may be odd about it.
pub(super) fn at_hand(sheet: &Sheet, args: &[OsString]) -> Option<Matrix> {
    let root = Root::of(&matrix_path(args));
    let resolved = elsewhere::resolved(&sheet.outside(), &root, true).ok()?;
    sheet.read(&resolved).ok()
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

/// Axes as flags: those that can be one, each once.
pub(super) fn axis_flags(axes: &[Axis]) -> Vec<AxisFlag> {
    let mut flags: Vec<AxisFlag> = Vec::new();
    for axis in axes {
        let known = flags.iter().any(|flag| *flag.name == *axis.name);
        if is_name(&axis.name) && !known {
            flags.push(AxisFlag { name: axis.name.to_string(), values: axis.known() });
        }
    }
    flags
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
