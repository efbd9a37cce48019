//! `onebuild init`: creates a matrix.yaml from the files in a directory.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::prepare;
use crate::config::{CellChoice, InitConfig};
use crate::error::{Error, ErrorKind, visible, why};
use crate::init::{Found, draft};
use crate::matrix::Matrix;
use crate::run::terminal;
use crate::workspace::needs::Purpose;
use crate::workspace::targets;
use crate::workspace::text::text;
use crate::workspace::write::put;

const MAKEFILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];

pub(super) fn run(config: &InitConfig) -> Result<ExitCode, Error> {
    let folder = &config.directory;
    let draft = draft(&found(folder)?);
    let paths: Vec<_> = draft.files.iter().map(|(path, _)| folder.join(path)).collect();
    // Write all files or none: a matrix without its template is useless.
    if let Some(path) = paths.iter().find(|path| !config.force && path.symlink_metadata().is_ok()) {
        let message = format!("{} already exists; nothing was written", path.display());
        return Err(Error::new(ErrorKind::Usage, message).help("--force overwrites it"));
    }
    // Both names in one directory are an error of every other command.
    let other = folder.join("matrix.yml");
    if other.symlink_metadata().is_ok() {
        let message = format!("{} already exists; nothing was written", other.display());
        let help = "rename it to matrix.yaml, which --force overwrites, or use another directory";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    paths.iter().try_for_each(|path| targets::check_flag(path))?;
    for (path, (_, text)) in paths.iter().zip(&draft.files) {
        put(path, text)?;
        terminal::stderr(&format!("wrote {}\n", path.display()));
    }
    for note in &draft.notes {
        terminal::stderr(&format!("note: {}\n", visible(note)));
    }
    let cells = planned(&paths[0])?;
    let cells = if cells == 1 { "1 cell".to_owned() } else { format!("{cells} cells") };
    terminal::stderr(&format!("{cells}: `onebuild plan` shows them\n"));
    Ok(ExitCode::SUCCESS)
}

/// The number of cells of the new matrix. Shows its warnings.
fn planned(path: &Path) -> Result<usize, Error> {
    let unreadable = |error: io::Error| {
        let message = format!("{} cannot be read: {}", path.display(), why(&error));
        Error::new(ErrorKind::Environment, message)
    };
    let matrix = Matrix::parse(text(path).map_err(unreadable)?)?;
    let choice = CellChoice::all_of(path);
    let prepared = prepare::prepared(&matrix, &choice, &Default::default(), Purpose::Plan)?;
    Ok(prepared.cells.len())
}

fn found(folder: &Path) -> Result<Found, Error> {
    let failed = |path: &Path, error: &io::Error| {
        let message = format!("{} cannot be read: {}", path.display(), why(error));
        Error::new(ErrorKind::Environment, message)
    };
    // A missing file is skipped; an unreadable one is an error.
    let read = |path: &Path| match text(path) {
        Ok(file) => Ok(Some(file.text().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    };
    let mut found = Found::default();
    for name in MAKEFILES {
        if found.makefile.is_none() {
            found.makefile = read(&folder.join(name))?;
        }
    }
    let dockerfile = |folder: &Path| match read(&folder.join("Dockerfile"))? {
        None if folder.join("dockerfile").is_dir() => Ok(None),
        None => read(&folder.join("dockerfile")),
        found => Ok(found),
    };
    found.dockerfile = dockerfile(folder)?;
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !entry.path().is_dir() {
            continue;
        }
        if let Some(text) = dockerfile(&entry.path())? {
            found.dockerfiles.push((name, text));
        }
    }
    found.dockerfiles.sort();
    Ok(found)
}
