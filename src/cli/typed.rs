//! The command line of a run, for a command that repeats a part of it.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::config::{Typed, Word, quoted};

/// Arguments that only change what is shown.
const DISPLAY: &[&str] = &["progress", "quiet", "verbose", "debug", "dry_run"];

/// Arguments whose values are not secret.
const SHOWN: &[&str] = &[
    "file",
    "platform",
    "image",
    "tag_prefix",
    "var",
    "base",
    "allow",
    "label",
    "annotation",
    "target",
    "secret",
    "ssh",
    "network",
    "output",
    "jobs",
    "test_jobs",
    "shm_size",
    "ulimit",
    "cgroup_parent",
    "add_host",
];

/// Attributes of caches whose values are not secret.
const OF_CACHES: &[&str] = &["type", "ref", "src", "dest", "mode", "scope", "tag", "digest"];

/// The arguments of the subcommand, except those that only change what is shown. A value that could be
/// secret is replaced by a variable, such as `--build-arg TOKEN="${TOKEN:?}"`: a shell refuses the command
/// if the variable is not set.
pub(super) fn typed(command: &Command, matches: &ArgMatches) -> Typed {
    let Some((name, matches)) = matches.subcommand() else { return Typed::default() };
    let mut typed = Typed { command: name.to_owned(), words: Vec::new() };
    let Some(command) = command.find_subcommand(name) else { return typed };
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let is_typed = matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine);
        if !is_typed || DISPLAY.contains(&id) {
            continue;
        }
        if !arg.get_action().takes_values() {
            typed.words.push(Word::Flag(flag(arg)));
            continue;
        }
        for occurrence in matches.get_raw_occurrences(id).into_iter().flatten() {
            let values: Vec<&OsStr> = occurrence.collect();
            if id == "cells" {
                typed.words.extend(values.iter().filter_map(|value| word(arg, id, value.to_str())));
            } else {
                typed.words.extend(word(arg, id, values.join(OsStr::new(",")).to_str()));
            }
        }
    }
    typed
}

fn flag(arg: &Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

/// The word of one value, which is `None` if it is not UTF-8.
fn word(arg: &Arg, id: &str, value: Option<&str>) -> Option<Word> {
    let flag = flag(arg);
    let axis = |value: &str| value.split('=').next().unwrap_or_default().trim().to_owned();
    let shown = value.filter(|value| !value.chars().any(char::is_control));
    let whole = |value: &str| format!("{flag} {}", quoted(value));
    Some(match (id, shown) {
        ("cells", Some(value)) => Word::Cell(quoted(value)),
        ("only", Some(value)) => Word::Only { axis: axis(value), word: whole(value) },
        ("skip", Some(value)) => Word::Skip(whole(value)),
        ("add", Some(value)) => Word::Add(whole(value)),
        (id, Some(value)) if id.starts_with("axis:") => {
            Word::Only { axis: id["axis:".len()..].to_owned(), word: whole(value) }
        }
        ("cells", None) => return None,
        (id, Some(value)) if is_shown(id, value) => Word::Flag(whole(value)),
        (id, value) => Word::Flag(format!("{flag} {}", hidden(id, value.unwrap_or_default()))),
    })
}

/// Whether a value is not secret.
fn is_shown(id: &str, value: &str) -> bool {
    match id {
        // Without a value, it comes from the environment.
        "build_arg" => !value.contains('='),
        "build_context" => !(value.contains("://") && value.contains(['@', '?'])),
        "host" => !value.contains('@') || value.starts_with("ssh://") && !has_password(value),
        "cache_from" | "cache_to" => {
            let attributes = value.split(',').filter_map(|field| field.split_once('='));
            attributes.into_iter().all(|(name, _)| OF_CACHES.contains(&&*name.to_lowercase()))
        }
        _ => SHOWN.contains(&id),
    }
}

/// `ssh://user:password@host`
fn has_password(url: &str) -> bool {
    let user = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    user.is_some_and(|(user, _)| user.contains(':'))
}

/// A variable of the shell, in the place of the value. NAME of NAME=VALUE stays.
fn hidden(id: &str, value: &str) -> String {
    let is_named = matches!(id, "build_arg" | "build_context");
    let name = value.split_once('=').map(|(name, _)| name).filter(|_| is_named);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let variable: String = name.unwrap_or(id).replace(|c| !is_word(c), "_");
    let variable = match variable.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{variable}"),
        false => variable,
    };
    match name {
        Some(name) => format!("{}\"${{{variable}:?}}\"", quoted(&format!("{name}="))),
        None => format!("\"${{{}:?}}\"", variable.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::axes::AxisFlag;
    use crate::cli::command::command;

    fn words(line: &str) -> String {
        let axes = [AxisFlag { name: "os".to_owned(), values: String::new() }];
        let command = command(&axes);
        let matches = command.clone().try_get_matches_from(line.split(' ')).unwrap();
        let typed = typed(&command, &matches);
        let mut words: Vec<&str> = typed.words.iter().map(Word::text).collect();
        words.sort_unstable();
        format!("{} {}", typed.command, words.join(" "))
    }

    #[test]
    fn a_command_line_is_repeated_without_secrets() {
        for (line, wanted) in [
            ("o build", "build "),
            ("o matrix --push a b* --progress plain -q", "matrix 'b*' --push a"),
            (
                "o matrix -j 4 --platform linux/amd64,linux/arm64 --platform linux/386",
                "matrix --jobs 4 --platform linux/386 --platform linux/amd64,linux/arm64",
            ),
            (
                "o build --os a,b --only os=c --skip os=>1 --add os=d",
                "build --add os=d --only os=c --os a,b --skip 'os=>1'",
            ),
            (
                "o build --build-arg TOKEN=canary --build-arg SET",
                "build --build-arg SET --build-arg TOKEN=\"${TOKEN:?}\"",
            ),
            ("o build --build-arg a-b=canary", "build --build-arg a-b=\"${a_b:?}\""),
            (
                "o build --secret id=a,src=b --ssh default",
                "build --secret id=a,src=b --ssh default",
            ),
            (
                "o build --cache-to type=s3,secret_access_key=canary",
                "build --cache-to \"${CACHE_TO:?}\"",
            ),
            (
                "o build --cache-to type=registry,ref=r.example/a,mode=max --cache-from r.example/b",
                "build --cache-from r.example/b --cache-to type=registry,ref=r.example/a,mode=max",
            ),
            (
                "o build --build-context a=https://u:canary@x.example/a.git --build-context b=../b",
                "build --build-context a=\"${a:?}\" --build-context b=../b",
            ),
            ("o build -H tcp://u:canary@x.example", "build --host \"${HOST:?}\""),
            ("o build -H ssh://u@x.example", "build --host ssh://u@x.example"),
            (
                "o build -f a.yaml -o type=oci,dest=out/",
                "build --file a.yaml --output type=oci,dest=out/",
            ),
            (
                "o build --tag-prefix x- --image a/b --fail-fast --no-cache",
                "build --fail-fast --image a/b --no-cache --tag-prefix x-",
            ),
        ] {
            assert_eq!(words(line), wanted, "{line}");
        }
    }

    #[test]
    fn a_flag_whose_values_are_not_known_to_be_public_is_hidden() {
        let command = command(&[]);
        let build = command.find_subcommand("build").unwrap();
        let own = ["build_arg", "build_context", "host", "cache_from", "cache_to"];
        let selection = ["cells", "only", "skip", "add"];
        for arg in build.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let id = arg.get_id().as_str();
            let known = own.contains(&id) || selection.contains(&id);
            let known = known || DISPLAY.contains(&id) || SHOWN.contains(&id);
            assert!(known, "add `{id}` to SHOWN if its values are not secret");
        }
    }
}
