//! `onebuild man`: the manual.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::cli;
use crate::error::{Error, ErrorKind};
use crate::run::terminal;
use crate::workspace::targets;
use crate::workspace::write::unwritable;

pub(super) fn run(out: Option<&Path>) -> Result<ExitCode, Error> {
    let pages = cli::man_pages().map_err(|error| {
        Error::new(ErrorKind::Bug, "the manual cannot be made").caused_by(error)
    })?;
    match out {
        None => pages.iter().for_each(|(_, text)| terminal::stdout(text)),
        Some(folder) => {
            targets::check_flag(folder)?;
            for (name, _) in &pages {
                targets::check_flag(&folder.join(name))?;
            }
            fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            for (name, text) in &pages {
                let path = folder.join(name);
                fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
            }
            terminal::stderr(&format!("{} pages in {}\n", pages.len(), folder.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
