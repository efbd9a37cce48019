//! Flags without a value that are given one, as the docker command accepts it: `--push=false`.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

use crate::input::truth;

/// Flags of which one is the other one's opposite.
const OPPOSITES: [(&str, &str); 2] = [("keep-going", "fail-fast"), ("fail-fast", "keep-going")];

/// The command line with `--flag` for `--flag=true`, and without `--flag=false`. Of two words for the
/// same flag, the later one counts. Other values are left for clap to refuse.
pub(super) fn without_values(command: &Command, args: &[OsString]) -> Vec<OsString> {
    let mut command = command;
    let mut found: Vec<OsString> = Vec::new();
    let mut args = args.iter();
    for arg in args.by_ref() {
        if arg == "--" {
            found.push(arg.clone());
            break;
        }
        let is_value = found.last().is_some_and(|before| takes_value(command, before));
        match arg.to_str() {
            Some(word) if !is_value && !word.starts_with('-') => {
                command = command.find_subcommand(word).unwrap_or(command);
                found.push(arg.clone());
            }
            Some(word) if !is_value => match switch(command, word) {
                Some((switch, true)) => found.push(long(switch)),
                Some((switch, false)) => {
                    found.retain(|before| named(command, before).is_none_or(|arg| arg != switch));
                    found.extend(opposite(switch));
                }
                None => found.push(arg.clone()),
            },
            // Without its value, so that the error is about the value that is missing.
            Some(word) => found.push(match switch(command, word) {
                Some((switch, _)) => long(switch),
                None => arg.clone(),
            }),
            None => found.push(arg.clone()),
        }
    }
    found.extend(args.cloned());
    found
}

/// The flag of `--flag=BOOL` or `-f=BOOL`, and the value.
fn switch<'c>(command: &'c Command, word: &str) -> Option<(&'c Arg, bool)> {
    let (name, value) = word.split_once('=')?;
    let arg = named(command, OsStr::new(name)).filter(|arg| is_switch(arg))?;
    Some((arg, truth(value)?))
}

pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The flag that is written as `--flag` or `-f`.
fn named<'c>(command: &'c Command, word: &OsStr) -> Option<&'c Arg> {
    let word = word.to_str()?.strip_prefix('-')?;
    command.get_arguments().find(|arg| match word.strip_prefix('-') {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| word.chars().eq([short])),
    })
}

/// Whether the word after `word` is its value.
fn takes_value(command: &Command, word: &OsStr) -> bool {
    named(command, word).is_some_and(|arg| arg.get_action().takes_values())
}

fn long(arg: &Arg) -> OsString {
    format!("--{}", arg.get_long().unwrap_or_default()).into()
}

fn opposite(arg: &Arg) -> Option<OsString> {
    let (_, opposite) = OPPOSITES.into_iter().find(|(name, _)| arg.get_long() == Some(name))?;
    Some(format!("--{opposite}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::command;

    #[test]
    fn a_flag_can_have_a_boolean() {
        for (line, wanted) in [
            ("o build --push=true --load=1 --pull=T", "o build --push --load --pull"),
            ("o build --push=false -o a", "o build -o a"),
            ("o build --no-cache --no-cache=false", "o build"),
            ("o build --no-cache=false --no-cache", "o build --no-cache"),
            ("o build -n=true -q=false", "o build --dry-run"),
            ("o build -n --dry-run=F", "o build"),
            ("o build --keep-going=false", "o build --fail-fast"),
            ("o build --fail-fast --fail-fast=0", "o build --keep-going"),
            ("o builder rm --keep-state=true", "o builder rm --keep-state"),
            // Left to clap.
            ("o build --push=maybe --push=", "o build --push=maybe --push="),
            ("o plan --push=true", "o plan --push=true"),
            ("o --push=true build", "o --push=true build"),
            ("o build --target --push=false a", "o build --target --push a"),
            ("o build --var a=true -- --push=true", "o build --var a=true -- --push=true"),
            ("o --debug build plan --strict=true", "o --debug build plan --strict"),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let found = without_values(&command(&[]), &args);
            assert_eq!(found.join(OsStr::new(" ")), OsStr::new(wanted), "{line}");
        }
    }

    #[test]
    fn opposites_are_flags() {
        let command = command(&[]);
        let build = command.find_subcommand("build").unwrap();
        for (name, _) in OPPOSITES {
            assert!(
                named(build, OsStr::new(&format!("--{name}"))).is_some_and(is_switch),
                "{name}"
            );
        }
    }
}
