//! The reference pages: flags, variables and keys, compared with the program.

use std::fmt::Write as _;

use clap::{Arg, Command};
use snapbox::{Assert, Data};

use super::links::anchor;
use super::{in_checkout, read, split};

/// The marker before the generated part of a page.
pub const GENERATED: &str =
    "<!-- generated from the program: SNAPSHOTS=overwrite cargo test --test cli -->\n";

#[test]
fn the_command_line_page_matches_the_help() {
    let path = in_checkout("docs/cli.md");
    let page = read("docs/cli.md");
    let (head, _) = page.split_once(GENERATED).expect("the page has a generated part");
    let now = format!("{head}{GENERATED}{}", commands());
    let assert = Assert::new().action_env("SNAPSHOTS");
    assert.eq(Data::text(now).raw(), Data::read_from(&path, None).raw());
}

/// Every command, with its flags.
fn commands() -> String {
    let mut program = onebuild::parts::command(&[]).disable_help_subcommand(true).term_width(0);
    program.build();
    let mut text = String::new();
    // The tables so far, each with its heading.
    let mut tables: Vec<(String, String)> = Vec::new();
    let mut commands = Vec::new();
    for command in program.get_subcommands() {
        commands.push((command.get_name().to_owned(), command));
        let below = command.get_subcommands();
        commands
            .extend(below.map(|sub| (format!("{} {}", command.get_name(), sub.get_name()), sub)));
    }
    for (name, command) in commands {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        // Each line says that it is no command line to run.
        let usage = command.clone().render_usage().to_string().replace("\n       ", "\nUsage: ");
        write!(text, "\n## onebuild {name}\n\n{about}.\n\n```text\n{usage}\n```\n").unwrap();
        for (heading, table) in flags(command) {
            let title = format!("{heading} flags of {name}");
            let known = tables.iter().find(|(_, known)| *known == table);
            match known {
                Some((known, _)) => {
                    let anchor = anchor(known);
                    write!(text, "\n{heading}: the [{known}](#{anchor}).\n").unwrap();
                }
                None => {
                    write!(text, "\n### {title}\n\n{table}").unwrap();
                    tables.push((title, table));
                }
            }
        }
    }
    text
}

/// The flags of a command under their headings, each as a table.
fn flags(command: &Command) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for arg in command.get_arguments().filter(|arg| arg.get_id() != "help" && !arg.is_hide_set()) {
        let heading = arg.get_help_heading().unwrap_or("Other");
        if !found.iter().any(|(known, _)| known == heading) {
            found.push((heading.to_owned(), "| flag | meaning |\n|---|---|\n".to_owned()));
        }
        let row = format!("| {} | {} |\n", name(arg), meaning(arg));
        found
            .iter_mut()
            .filter(|(known, _)| known == heading)
            .for_each(|(_, table)| *table += &row);
    }
    found
}

fn name(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    let value = match (takes, arg.is_positional()) {
        (false, _) => String::new(),
        (true, true) => value,
        (true, false) => format!(" {value}"),
    };
    let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let long = arg.get_long().map(|long| format!("--{long}")).unwrap_or_default();
    format!("{short}`{}`", escaped(&format!("{long}{value}")))
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = format!("{}.", escaped(&help.replace('\n', " ")));
    let values = arg.get_possible_values();
    if arg.get_action().takes_values() && !values.is_empty() {
        let value = |value: &clap::builder::PossibleValue| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), escaped(&help.to_string())),
            None => format!("`{}`", value.get_name()),
        };
        let values: Vec<String> = values.iter().map(value).collect();
        write!(text, " Values: {}.", values.join(", ")).unwrap();
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|v| v.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        write!(text, " Default: `{}`.", defaults.join(" ")).unwrap();
    }
    if let Some(variable) = arg.get_env() {
        let variable = variable.to_string_lossy();
        write!(text, " Environment: [`{variable}`](environment.md).").unwrap();
    }
    text
}

/// Text for a cell of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// The names of variables in the sources: string literals such as "DOCKER_HOST".
fn variables(path: &str) -> Vec<String> {
    let text = read(path);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_name = |word: &&str| {
        word.len() > 3
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
    };
    code.split('"').skip(1).step_by(2).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_variable_that_the_program_reads_is_documented() {
    let page = read("docs/environment.md");
    let mut names: Vec<String> = Vec::new();
    for command in onebuild::parts::command(&[]).get_subcommands() {
        let flags = command.get_arguments().filter_map(Arg::get_env);
        names.extend(flags.map(|name| name.to_string_lossy().into_owned()));
    }
    // The places where the environment is read.
    for file in [
        "src/workspace/axis_sources.rs",
        "src/run/engine.rs",
        "src/node/choose.rs",
        "src/matrix/selection.rs",
        "src/docker/credentials/error.rs",
        "src/driver/caches/mod.rs",
        "src/driver/environment.rs",
        "src/driver/sessions/agents.rs",
        "src/proxy.rs",
        "src/text/ascii.rs",
    ] {
        names.extend(variables(file));
    }
    // Variables that are set for git are not read.
    names.retain(|name| !name.starts_with("GIT_"));
    names.sort();
    names.dedup();
    for expected in
        ["ONEBUILD_FILE", "DOCKER_HOST", "DOCKER_AUTH_CONFIG", "SOURCE_DATE_EPOCH", "NO_PROXY"]
    {
        assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
    }
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name} is not documented");
    }
}

#[test]
fn every_key_of_the_matrix_is_in_the_table_of_keys_with_a_link() {
    let page = read("docs/matrix.md");
    let schema: serde_json::Value =
        serde_json::from_str(&read("matrix.schema.json")).expect("the schema is JSON");
    let keys = schema["properties"].as_object().expect("the schema has properties");
    assert!(keys.contains_key("platforms"));
    for key in keys.keys() {
        let row = format!("| [`{key}`](#");
        assert!(split(&page).0.iter().any(|line| line.starts_with(&row)), "{key}");
    }
    let table = split(&page).0.iter().filter(|line| line.starts_with("| [`")).count();
    assert_eq!(table, keys.len(), "a row of the table is not a key, or is listed twice");
}

#[test]
fn every_heading_of_the_matrix_page_is_in_its_contents() {
    for page in ["docs/matrix.md", "docs/troubleshooting.md"] {
        let text = read(page);
        let (prose, _) = split(&text);
        for heading in prose.iter().filter_map(|line| line.strip_prefix("## ")) {
            let link = format!("[{heading}](#");
            assert!(heading == "Contents" || text.contains(&link), "{page}: {heading}");
        }
    }
}
