//! The templates of Dockerfiles and of other files.

use std::io;

use super::access::Access;
use super::needed::read_all;
use super::text::{inside, text};
use crate::error::{Diagnostic, Error, why};
use crate::input::Root;
use crate::plan::{Needed, Templates};

/// Reads all needed templates from the directory that `place` describes. All unreadable templates are
/// reported together.
pub(crate) fn templates(
    root: &Root,
    access: &Access,
    place: &str,
    needed: impl Fn(&Templates) -> Vec<Needed>,
) -> Result<Templates, Error> {
    let mut templates = Templates::default();
    read_all(
        &mut templates,
        |templates| Ok(needed(templates)),
        |templates, file| {
            let path = root.join(&file.path);
            let folder = root.join(&file.folder);
            // Without the grant, do not even reveal whether a file exists.
            let allowed = match access.lacks_read(&folder) {
                Some(grant) => Err(io::Error::other(format!("it needs {}", grant.flag()))),
                None => inside(&path, &folder, place),
            };
            match allowed.and_then(|()| text(&path)) {
                Ok(source) => templates.insert(&file.path, source),
                Err(error) => {
                    let message = format!("the template {} cannot be read", path.display());
                    let finding = Diagnostic::error(message).at(&file.span, why(&error));
                    let help = format!("the path is relative to the {place}, `{}`", file.folder);
                    Err(finding.help(help).into())
                }
            }
        },
    )?;
    Ok(templates)
}
