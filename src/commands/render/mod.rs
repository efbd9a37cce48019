//! `onebuild render`: writes the Dockerfiles without building.

mod files;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::prepare;
use crate::cell_name::dockerfile_name;
use crate::config::{RenderConfig, RenderOutput};
use crate::error::Error;
use crate::matrix::{Matrix, Selection};
use crate::plan::BuildRequest;
use crate::run::terminal;
use crate::text::{counted, unescaped};
use crate::workspace::drift::Drift;
use crate::workspace::needs::Purpose;
use crate::workspace::targets;
use crate::workspace::write::{path_in, put, unwritable};

pub(super) fn run(matrix: &Matrix, config: &RenderConfig) -> Result<ExitCode, Error> {
    let cells = &config.cells;
    let prepared = || prepare::prepared(matrix, cells, &Default::default(), Purpose::Plan);
    match &config.output {
        RenderOutput::Files { check } => return files::run(matrix, cells, *check),
        RenderOutput::Directory { path, check: is_check } => {
            let requests = prepared()?.requests;
            let names: Vec<String> = requests.iter().map(|r| dockerfile_name(&r.cell)).collect();
            let what = if *is_check { "cannot be compared" } else { "cannot be written" };
            targets::check_files(path, names.iter().map(String::as_str), what)?;
            match is_check {
                true => check(&requests, path, selects_all(&cells.selection))?,
                false => write(&requests, path)?,
            }
        }
        RenderOutput::Stdout => print(&prepared()?.requests),
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a diff and fails if the directory is out of date.
fn check(requests: &[BuildRequest], folder: &Path, whole: bool) -> Result<(), Error> {
    let path = |request: &BuildRequest| path_in(folder, &request.cell);
    let mut drift = Drift::new();
    for request in requests {
        drift.compare(&path(request), &request.recipe.dockerfile.text())?;
    }
    if whole {
        drift.add_stale(folder, &requests.iter().map(path).collect())?;
    }
    let folder = folder.display();
    let command = format!("onebuild render --out {folder}");
    drift.summary(&format!("{folder} is"), &command).map_or(Ok(()), Err)
}

/// Whether the command line selects all cells: then files that belong to no cell are stale.
fn selects_all(selection: &Selection) -> bool {
    selection.only.is_empty() && selection.skip.is_empty() && selection.cells.is_empty()
}

/// Prints the Dockerfiles. If there are several, a comment with the cell's name precedes each.
fn print(requests: &[BuildRequest]) {
    let mut out = terminal::buffered();
    if let [only] = requests {
        only.recipe.dockerfile.parts().all(|part| out.bytes(&unescaped(part)));
        return;
    }
    for (number, request) in requests.iter().enumerate() {
        let head = format!("{}# {}\n", if number > 0 { "\n" } else { "" }, request.cell);
        let last = request.recipe.dockerfile.parts().last().unwrap_or("\n");
        let end = if last.ends_with('\n') { "" } else { "\n" };
        let mut parts = [&*head].into_iter().chain(request.recipe.dockerfile.parts()).chain([end]);
        if !parts.all(|part| out.bytes(&unescaped(part))) {
            return;
        }
    }
}

/// Writes each Dockerfile.
fn write(requests: &[BuildRequest], folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    for request in requests {
        put(&path_in(folder, &request.cell), &request.recipe.dockerfile.text())?;
    }
    terminal::stderr(&format!(
        "{} in {}\n",
        counted(requests.len(), "Dockerfile"),
        folder.display()
    ));
    Ok(())
}
