//! The command line as the debug log shows it.

use std::ffi::OsString;

use super::command::command;
use super::switches::is_switch;
use crate::input::truth;

/// Flags whose values are not secret and help to understand a run. For other flags, only the name is
/// logged, and the NAME of NAME=VALUE.
const SHOWN_FLAGS: &[&str] = &[
    "--allow",
    "--jobs",
    "-j",
    "--test-jobs",
    "--progress",
    "--platform",
    "--only",
    "--skip",
    "--add",
    "--format",
];

/// Flags whose value begins with a name that is not secret.
const NAMED_FLAGS: &[&str] =
    &["--build-arg", "--var", "--secret", "--build-context", "--ssh", "--output", "-o"];

/// The command line without possible secrets: the command, the flags, and the values of some flags.
pub(crate) fn shown(args: &[OsString]) -> String {
    let command = command(&[]);
    let is_command = |word: &str| command.get_subcommands().any(|sub| sub.get_name() == word);
    let is_flag = |word: &str| {
        let mut all = command
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .chain(command.get_arguments());
        match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => {
                ["help", "version"].contains(&long) || all.any(|arg| arg.get_long() == Some(long))
            }
            (None, Some(short)) => {
                ["h", "V"].contains(&short)
                    || all.any(|arg| arg.get_short().map(String::from).as_deref() == Some(short))
            }
            (None, None) => false,
        }
    };
    let is_switch = |word: &str| {
        let mut all = command.get_subcommands().flat_map(clap::Command::get_arguments);
        let long = word.strip_prefix("--");
        long.is_some() && all.any(|arg| arg.get_long() == long && is_switch(arg))
    };
    let mut shown = vec!["onebuild".to_owned()];
    let mut flag = String::new();
    for arg in args.iter().skip(1) {
        let arg = arg.to_string_lossy();
        if !arg.starts_with('-') {
            shown.push(match flag.is_empty() && is_command(&arg) {
                true => arg.into_owned(),
                false => value(&flag, &arg),
            });
            flag.clear();
            continue;
        }
        let (name, glued) =
            arg.split_once('=').map_or((&*arg, None), |(name, value)| (name, Some(value)));
        let known = if is_flag(name) { name } else { "-…" };
        match glued {
            Some(text) if is_switch(name) && truth(text).is_some() => shown.push(arg.to_string()),
            Some(text) => shown.push(format!("{known}={}", value(name, text))),
            None => shown.push(known.to_owned()),
        }
        flag = if glued.is_none() { name.to_owned() } else { String::new() };
    }
    shown.join(" ")
}

/// The part of a flag's value that is shown.
fn value(flag: &str, text: &str) -> String {
    if SHOWN_FLAGS.contains(&flag) {
        return text.to_owned();
    }
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    match text.split_once('=') {
        Some((name, _)) if NAMED_FLAGS.contains(&flag) && is_name(name) => format!("{name}=…"),
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_that_are_not_secret_are_shown() {
        for (line, expected) in [
            ("o build --push", "onebuild build --push"),
            ("o matrix --build-arg TOKEN=canary", "onebuild matrix --build-arg TOKEN=…"),
            ("o matrix --build-arg=TOKEN=canary", "onebuild matrix --build-arg=TOKEN=…"),
            ("o matrix --build-arg canary", "onebuild matrix --build-arg …"),
            ("o build --secret id=a,src=canary", "onebuild build --secret id=…"),
            ("o build --secret=canary", "onebuild build --secret=…"),
            ("o build canary --canary --canary=1", "onebuild build … -… -…=…"),
            ("o build -fcanary -o type=oci,dest=canary", "onebuild build -… -o type=…"),
            ("o build -j 4 --platform linux/arm64", "onebuild build -j 4 --platform linux/arm64"),
            ("o --debug canary plan -f plan", "onebuild --debug … plan -f …"),
            ("o --version", "onebuild --version"),
            ("o build --pull=false --push=canary", "onebuild build --pull=false --push=…"),
        ] {
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(shown(&words), expected, "{line}");
        }
    }
}
