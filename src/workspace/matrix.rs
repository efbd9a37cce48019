//! The file of a matrix, and the files that it extends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::axis_sources;
use super::found::{Found, NAMES, almost, found};
use super::needed::read_all;
use super::needs::{Need, missing_file, refused};
use super::text::{bounded, text};
use crate::config::CellChoice;
use crate::error::{Diagnostic, Error, ErrorKind, SourceFile, why};
use crate::grants::Grants;
use crate::input::Root;
use crate::matrix::{Files, Matrix, Sheet};

/// The file name of a matrix from a pipe. It has no directory, so its paths are relative to the current
/// directory.
const PIPED: &str = "-";

/// The matrix of this command line, merged with the files that it extends.
pub(crate) fn sheet(named: Option<&Path>, grants: &Grants) -> Result<Sheet, Error> {
    let path = &match named {
        Some(path) => path.to_owned(),
        None => {
            let found = found();
            refuse(&found)?;
            found.path()
        }
    };
    let place = place(path);
    let access = Access::of(&place, grants);
    if let Some(grant) = access.lacks_read(path).filter(|_| named.is_none()) {
        let message = format!("{} is a link that leads out of the repository", path.display());
        let help = format!("name the file with --file, or add {}", grant.flag());
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    let file = if place == Path::new(PIPED) { piped(path) } else { text(path) };
    let file = file.map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        // Content that is not text, or too much of it, is a matter of the matrix.
        let kind = match error.kind() {
            io::ErrorKind::InvalidData => ErrorKind::Matrix,
            _ => ErrorKind::Environment,
        };
        let is_content = kind == ErrorKind::Matrix;
        let error = Error::new(kind, format!("{}: {}", path.display(), why(&error)));
        let alike = almost().filter(|_| missing && named.is_none());
        if let Some(name) = alike {
            return error.help(format!("rename {name} to {}, or add --file {name}", NAMES[0]));
        }
        error.help(match missing {
            true => {
                "run onebuild in the directory of matrix.yaml or below it in the same Git work tree, \
                 name the file with --file, or create one with `onebuild init`"
            }
            false if is_content => "a matrix is a YAML file, in UTF-8; name it with --file",
            false => "name the file of the matrix with --file",
        })
    })?;
    let mut files = Files::new(file)?;
    let needed = |files: &Files| {
        let needed = files.needed();
        let missing = needed.iter().filter_map(|file| {
            let grant = access.lacks_text(Path::new(&file.path))?;
            let message = "an extended file is outside the repository".to_owned();
            Some(missing_file(grant, Some(file.span.clone()), message))
        });
        refused(&missing.collect::<Vec<Need>>())?;
        Ok(needed)
    };
    read_all(&mut files, needed, |files, file| match text(Path::new(&file.path)) {
        Ok(source) => files.insert(&file.path, &source),
        Err(error) => {
            let message = format!("{} cannot be read", file.path);
            let finding = Diagnostic::error(message).at(&file.span, why(&error));
            Err(finding.help("the path is relative to the directory of this file").into())
        }
    })?;
    Ok(files.merged()?)
}

/// Refuses a file that may not be the one that the user means.
fn refuse(found: &Found) -> Result<(), Error> {
    let (message, help) = match found {
        Found::Here(_) | Found::Above(_) => return Ok(()),
        Found::NotOurs(path) => {
            let path = path.display();
            (
                format!("{path} belongs to another user"),
                format!("if you trust it, add --file {path}"),
            )
        }
        Found::Both(directory) => {
            let [one, other] = NAMES.map(|name| directory.join(name).display().to_string());
            let help = format!("remove one of them, or name one: --file {one}");
            (format!("there are both {one} and {other}"), help)
        }
    };
    Err(Error::new(ErrorKind::Usage, message).help(help))
}

/// Whether the command line names a pipe in place of a file: `-`, `<(…)`, `/dev/stdin`.
pub(crate) fn is_piped(path: &Path) -> bool {
    let is_regular = || fs::metadata(path).is_ok_and(|found| found.is_file() || found.is_dir());
    // `/dev/stdin` may be a file, but it has no useful directory. A file in `/dev/shm` has one.
    let is_descriptor =
        path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc");
    path == Path::new(PIPED) || (path.exists() && (is_descriptor || !is_regular()))
}

/// Reads the matrix from a pipe, which can be done only once.
fn piped(path: &Path) -> io::Result<SourceFile> {
    if path == Path::new(PIPED) {
        return bounded(io::stdin().lock(), PIPED);
    }
    bounded(fs::File::open(path)?, PIPED)
}

/// The matrix, with the values of external sources.
pub(crate) fn matrix(sheet: &Sheet, cells: &CellChoice) -> Result<Matrix, Error> {
    let access = Access::of(&cells.file, &cells.grants);
    let sources = sheet.axis_sources();
    let resolved = axis_sources::resolved(&sources, &cells.root(), &access, cells.offline)?;
    Ok(sheet.read(&resolved)?)
}

/// The matrix with the values that are available offline, if it has no errors.
pub(crate) fn offline(sheet: &Sheet, named: Option<&Path>, grants: &Grants) -> Option<Matrix> {
    let file = place(&path(named));
    let access = Access::of(&file, grants);
    let resolved =
        axis_sources::resolved(&sheet.axis_sources(), &Root::of(&file), &access, true).ok()?;
    sheet.read(&resolved).ok()
}

/// The path of the matrix: the one that the command line names, or the nearest.
pub(crate) fn path(named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| found().path(), Path::to_owned)
}

/// The path that the paths of a matrix are relative to. A matrix from a pipe is in the current directory.
pub(crate) fn place(path: &Path) -> PathBuf {
    if is_piped(path) { PIPED.into() } else { path.to_owned() }
}
