//! `onebuild render`: the Dockerfiles, nothing built.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::drift::Drift;
use super::{output, prepare};
use crate::cli::{RenderArgs, SelectArgs};
use crate::error::{Error, ErrorKind, why};
use crate::matrix::{Matrix, Unnamed};
use crate::plan::BuildRequest;

pub(super) fn run(matrix: &Matrix, args: &RenderArgs) -> Result<ExitCode, Error> {
    let cells = prepare::cells(matrix, &args.select, Unnamed::Everything)?;
    let requests = prepare::requests(matrix, &cells, &args.select, &Default::default())?;
    match &args.out {
        Some(folder) if args.check => check(&requests, folder, selects_all(&args.select))?,
        Some(folder) => write(&requests, folder)?,
        None => output::stdout(&print(&requests)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails, having shown a diff, when the folder is not what would be written.
fn check(requests: &[BuildRequest], folder: &Path, whole: bool) -> Result<(), Error> {
    let drift = Drift::find(requests, folder, whole)?;
    output::stdout(&drift.diff);
    drift.summary(folder).map_or(Ok(()), Err)
}

/// Whether the command line leaves no cell out: what belongs to no cell is then stale.
fn selects_all(select: &SelectArgs) -> bool {
    select.only.is_empty() && select.skip.is_empty() && select.axes.is_empty()
}

/// One Dockerfile as it is; several with a comment before each that names the cell.
fn print(requests: &[BuildRequest]) -> String {
    if let [only] = requests {
        return only.dockerfile.text.clone();
    }
    let mut text = String::new();
    for request in requests {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &format!("# {}\n", request.cell);
        text += &request.dockerfile.text;
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

/// Writes each Dockerfile whole or not at all.
fn write(requests: &[BuildRequest], folder: &Path) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| {
            let message = format!("{path} cannot be written: {}", why(&error));
            Error::new(ErrorKind::Environment, message)
        }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for request in requests {
        let path = path_in(folder, &request.cell);
        let text = request.dockerfile.text.as_bytes();
        if fs::read(&path).is_ok_and(|present| present == text) {
            continue;
        }
        let written = tempfile::Builder::new()
            .permissions(permissions())
            .tempfile_in(folder)
            .and_then(|mut file| file.write_all(text).map(|()| file))
            .and_then(|file| file.persist(&path).map_err(|error| error.error));
        written.map_err(failed(&path))?;
    }
    output::stderr(&format!("{} Dockerfiles in {}\n", requests.len(), folder.display()));
    Ok(())
}

/// Where the Dockerfile of a cell is written.
pub(super) fn path_in(folder: &Path, cell: &str) -> PathBuf {
    folder.join(format!("{}.Dockerfile", file_name(cell)))
}

/// A cell's name as a file name: one of several repositories has slashes and a colon in it.
pub(super) fn file_name(cell: &str) -> String {
    cell.replace(['/', ':'], "_")
}

/// What a person's own editor would give a new file; the umask still applies.
fn permissions() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
