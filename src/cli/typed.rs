//! The command line of a run, for a command that repeats a part of it.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::config::{Typed, Word, quoted};
use crate::record::Argument;
use crate::text::redact;

/// Arguments that only change what is shown and recorded.
const DISPLAY: &[&str] = &[
    "progress",
    "quiet",
    "verbose",
    "debug",
    "dry_run",
    "record",
    "no_record",
    "failed",
    "resume",
    "summary",
    "metadata_file",
    "junit",
    "timings",
];

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
    "retries",
    "timeout",
    "idle_timeout",
    "engine_wait",
    "reclaim",
    "shm_size",
    "ulimit",
    "cgroup_parent",
    "add_host",
    "builder",
];

/// Arguments of the form NAME=VALUE, of which only the value can be secret.
const NAMED: &[&str] =
    &["build_arg", "build_context", "label", "annotation", "var", "base", "only", "skip", "add"];

/// Attributes of caches whose values are not secret.
const OF_CACHES: &[&str] = &["type", "ref", "src", "dest", "mode", "scope", "tag", "digest"];

/// The arguments of the subcommand, except those that only change what is shown and recorded. A value that could be
/// secret is replaced by a variable, such as `--build-arg TOKEN="${TOKEN:?}"`: a shell refuses the command
/// if the variable is not set.
pub(super) fn typed(command: &Command, matches: &ArgMatches) -> Typed {
    let Some((name, matches)) = matches.subcommand() else { return Typed::default() };
    let mut typed = Typed { command: name.to_owned(), ..Typed::default() };
    let Some(command) = command.find_subcommand(name) else { return typed };
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let source = matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
        let variable = match source {
            Some(ValueSource::CommandLine) => None,
            Some(ValueSource::EnvVariable) => Some(variable(arg)),
            _ => continue,
        };
        if DISPLAY.contains(&id) {
            continue;
        }
        if !arg.get_action().takes_values() {
            typed.words.push(Word::Flag(flag(arg)));
            typed.arguments.push(Argument { flag: long(arg), ..Argument::default() });
            continue;
        }
        for occurrence in matches.get_raw_occurrences(id).into_iter().flatten() {
            let values: Vec<&OsStr> = occurrence.collect();
            let values = match id {
                "cells" => values.into_iter().map(OsStr::to_owned).collect(),
                _ => vec![values.join(OsStr::new(","))],
            };
            for value in values {
                if variable.is_none() {
                    typed.words.extend(word(arg, id, value.to_str(), &mut typed.variables));
                }
                let argument = argument(arg, id, value.to_str());
                typed.arguments.push(Argument { variable: variable.clone(), ..argument });
            }
        }
    }
    typed
}

/// The variable that sets the value if the flag does not.
fn variable(arg: &Arg) -> String {
    arg.get_env().unwrap_or_default().to_string_lossy().into_owned()
}

fn long(arg: &Arg) -> Option<String> {
    arg.get_long().map(str::to_owned)
}

/// The argument with one value, of which only what is not secret is kept.
fn argument(arg: &Arg, id: &str, value: Option<&str>) -> Argument {
    let flag = long(arg);
    match value.filter(|value| is_shown(id, value)) {
        Some(value) => Argument { flag, value: Some(value.to_owned()), ..Argument::default() },
        None => {
            let value = name(id, value).map(str::to_owned);
            Argument { flag, value, hidden: true, ..Argument::default() }
        }
    }
}

/// NAME of NAME=VALUE, for an argument of this form.
fn name<'v>(id: &str, value: Option<&'v str>) -> Option<&'v str> {
    let (name, _) = value?.split_once('=')?;
    NAMED.contains(&id).then_some(name)
}

fn flag(arg: &Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

/// The word of one value, which is `None` if it is not UTF-8. The variable of a value that is not shown is
/// added to `variables`.
fn word(arg: &Arg, id: &str, value: Option<&str>, variables: &mut Vec<String>) -> Option<Word> {
    let value = value.unwrap_or_default();
    let shown = match !value.chars().any(char::is_control) && is_shown(id, value) {
        true => quoted(value),
        false if id == "cells" => return None,
        false => hidden(id, value, variables),
    };
    let whole = format!("{} {shown}", flag(arg));
    Some(match id {
        "cells" => Word::Cell(shown),
        "only" => {
            let axis = value.split('=').next().unwrap_or_default().trim().to_owned();
            Word::Only { axis, word: whole }
        }
        "skip" => Word::Skip(whole),
        "add" => Word::Add(whole),
        _ => match id.strip_prefix("axis:") {
            Some(axis) => Word::Only { axis: axis.to_owned(), word: whole },
            None => Word::Flag(whole),
        },
    })
}

/// Whether a value is not secret.
fn is_shown(id: &str, value: &str) -> bool {
    if redact(value) != value {
        return false;
    }
    match id {
        "cells" | "only" | "skip" | "add" => true,
        // Without a value, it comes from the environment.
        "build_arg" => !value.contains('='),
        "build_context" => !(value.contains("://") && value.contains(['@', '?'])),
        "host" => !value.contains('@') || value.starts_with("ssh://"),
        "cache_from" | "cache_to" => {
            let attributes = value.split(',').filter_map(|field| field.split_once('='));
            attributes.into_iter().all(|(name, _)| OF_CACHES.contains(&&*name.to_lowercase()))
        }
        _ => id.starts_with("axis:") || SHOWN.contains(&id),
    }
}

/// A variable of the shell, in the place of the value. NAME of NAME=VALUE stays.
fn hidden(id: &str, value: &str, variables: &mut Vec<String>) -> String {
    let name = name(id, Some(value));
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let variable: String = name.unwrap_or(id).replace(|c| !is_word(c), "_");
    let variable = match variable.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{variable}"),
        false => variable,
    };
    let name = name.map(|name| quoted(&format!("{name}="))).unwrap_or_default();
    let variable = if name.is_empty() { variable.to_uppercase() } else { variable };
    let shown = format!("{name}\"${{{variable}:?}}\"");
    if !variables.contains(&variable) {
        variables.push(variable);
    }
    shown
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
            ("o build -H ssh://u:canary@x.example", "build --host \"${HOST:?}\""),
            (
                "o build --label a.b=https://u:canary@x.example --annotation c=http://canary@x/y",
                "build --annotation c=\"${c:?}\" --label a.b=\"${a_b:?}\"",
            ),
            (
                "o build --label a=https://x.example/y?ref=1 --label b=https://x/y?X-Amz-Signature=canary",
                "build --label 'a=https://x.example/y?ref=1' --label b=\"${b:?}\"",
            ),
            (
                "o build --var a=x,https://u:canary@x --os=https://u:canary@x --add os=git://u:canary@x",
                "build --add os=\"${os:?}\" --os \"${AXIS_OS:?}\" --var a=\"${a:?}\"",
            ),
            (
                "o build --label a=http://u:can/ary@x --label b=http://x:80/@y --label c=http://[::1]:80/@y",
                "build --label 'c=http://[::1]:80/@y' --label a=\"${a:?}\" --label b=http://x:80/@y",
            ),
            (
                "o build --label a=ssh://git@x --label b=me@x",
                "build --label a=ssh://git@x --label b=me@x",
            ),
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
    fn arguments_are_kept_word_by_word_without_secrets() {
        let axes = [AxisFlag { name: "os".to_owned(), values: String::new() }];
        let command = command(&axes).mut_subcommand("build", |build| {
            build.mut_arg("image", |arg| arg.env("CARGO_PKG_NAME"))
        });
        let line = "o build a* --push --os=a,b --build-arg T=canary --label a=http://u:canary@x -H tcp://x -q";
        let matches = command.clone().try_get_matches_from(line.split(' ')).unwrap();
        let mut shown: Vec<String> = typed(&command, &matches)
            .arguments
            .into_iter()
            .map(|Argument { flag, value, hidden, variable }| {
                let [flag, value, variable] =
                    [flag, value, variable].map(|text| text.unwrap_or_else(|| "-".to_owned()));
                format!("{flag} {value} {hidden} {variable}")
            })
            .collect();
        shown.sort_unstable();
        let expected = [
            "- a* false -",
            "build-arg T true -",
            "host tcp://x false -",
            "image onebuild false CARGO_PKG_NAME",
            "label a true -",
            "os a,b false -",
            "push - false -",
        ];
        assert_eq!(shown, expected);
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
