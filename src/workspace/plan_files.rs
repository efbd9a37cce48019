//! The files of a plan: templates, ignore files and scripts.

use std::io;
use std::path::Path;

use super::access::Access;
use super::needed::read_all;
use super::needs::{missing_file, refused};
use super::text::{inside, template_text, text};
use crate::error::{Diagnostic, Diagnostics, Error, SourceFile, why};
use crate::input::Root;
use crate::plan::{FileKind, Needed, PlanFiles};

/// Reads all needed files. `place` describes the directory that templates must be in. All unreadable files
/// are reported together.
pub(crate) fn plan_files(
    root: &Root,
    access: &Access,
    place: &str,
    needed: impl Fn(&PlanFiles) -> Vec<Needed>,
) -> Result<PlanFiles, Error> {
    let mut files = PlanFiles::default();
    let mut missing = Vec::new();
    read_all(
        &mut files,
        |files| Ok(needed(files)),
        |files, file| {
            let path = root.join(&file.path);
            let found = match file.kind {
                FileKind::Template => Some(template(&path, &file, root, access, place)?),
                FileKind::Script => Some(script(&path, &file, root)?),
                FileKind::IgnoreFile => match access.lacks_read(&path).filter(|_| path.is_file()) {
                    Some(grant) => {
                        let message = format!(
                            "{} is a link that leads out of the repository",
                            path.display()
                        );
                        missing.push(missing_file(grant, &file.span, message));
                        None
                    }
                    None => text(&path).ok(),
                },
            };
            files.insert(&file, found)
        },
    )?;
    refused(&missing)?;
    Ok(files)
}

fn template(
    path: &Path,
    file: &Needed,
    root: &Root,
    access: &Access,
    place: &str,
) -> Result<SourceFile, Diagnostics> {
    let directory = root.join(&file.folder);
    // Without the grant, do not even reveal whether a file exists.
    let allowed = match access.lacks_read(&directory) {
        Some(grant) => Err(io::Error::other(format!("it needs {}", grant.flag()))),
        None => inside(path, &directory, place),
    };
    allowed.and_then(|()| template_text(path)).map_err(|error| {
        let message = format!("the template {} cannot be read", path.display());
        let help = format!("the path is relative to the {place}, `{}`", file.folder);
        Diagnostic::error(message).at(&file.span, why(&error)).help(help).into()
    })
}

fn script(path: &Path, file: &Needed, root: &Root) -> Result<SourceFile, Diagnostics> {
    let allowed = inside(path, root, "directory of the matrix");
    allowed.and_then(|()| text(path)).map_err(|error| {
        let message = format!("the script {} cannot be read", path.display());
        let help = "the path is relative to the directory of the matrix and must be inside it";
        Diagnostic::error(message).at(&file.span, why(&error)).help(help).into()
    })
}
