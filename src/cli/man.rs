//! The manual, generated from the help.

use std::io;

use clap_mangen::Man;

use super::command::command;

/// `onebuild.1` and a page for each command, by file name. They do not contain the axes of a matrix.
pub(crate) fn man_pages() -> io::Result<Vec<(String, String)>> {
    pages(command(&[]))
}

fn pages(mut command: clap::Command) -> io::Result<Vec<(String, String)>> {
    command = command.disable_help_subcommand(true);
    command.build();
    let subs: Vec<_> = command.get_subcommands().cloned().collect();
    let mut pages = vec![page(command)?];
    for sub in subs {
        let name = format!("onebuild-{}", sub.get_name());
        // The page shows the name that `man` finds it by.
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
        let pages = man_pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[0], "onebuild.1");
        for command in command(&[]).get_subcommands() {
            let name = format!("onebuild-{}.1", command.get_name());
            assert!(names.contains(&name.as_str()), "{name} is not in {names:?}");
        }
        for (name, text) in &pages {
            assert!(text.contains(".TH onebuild") && text.contains(".SH OPTIONS"), "{name}");
        }
    }
}
