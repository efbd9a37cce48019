//! `onebuild man`: the manual, made from the help.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap_mangen::Man;

use crate::cli;
use crate::error::{Error, ErrorKind};
use crate::run::terminal;
use crate::workspace::targets;
use crate::workspace::write::unwritable;

pub(super) fn run(out: Option<&Path>) -> Result<ExitCode, Error> {
    // The manual is the same in every folder: it knows no axes.
    let pages = pages(cli::command(&[])).map_err(|error| {
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

/// `onebuild.1` and a page for each command, by their file names.
fn pages(mut command: clap::Command) -> io::Result<Vec<(String, String)>> {
    command = command.disable_help_subcommand(true);
    command.build();
    let subs: Vec<_> = command.get_subcommands().cloned().collect();
    let mut pages = vec![page(command)?];
    for sub in subs {
        let name = format!("onebuild-{}", sub.get_name());
        // It shows as the name that `man` finds it by.
        pages.push(page(sub.name(name.clone()).display_name(name))?);
    }
    Ok(pages)
}

fn page(command: clap::Command) -> io::Result<(String, String)> {
    let file = format!("{}.1", command.get_name());
    let mut bytes = Vec::new();
    Man::new(command).render(&mut bytes)?;
    Ok((file, String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_the_program_and_for_every_command() {
        let pages = pages(cli::command(&[])).unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "onebuild.1");
        for command in cli::command(&[]).get_subcommands() {
            let name = format!("onebuild-{}.1", command.get_name());
            assert!(names.contains(&name.as_str()), "{name} is not in {names:?}");
        }
        for (name, text) in &pages {
            assert!(text.contains(".TH onebuild") && text.contains(".SH OPTIONS"), "{name}");
        }
    }
}
