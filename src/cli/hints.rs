//! What to write in place of a flag or a command that onebuild does not have, but that other programs
//! have, or that people expect.

use std::ffi::OsString;

use super::switches::without_values;
use super::usage::MORE;
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Flags, the commands in which they are mistakes (all commands if there are none here), and the hint.
type Flags = (&'static [&'static str], &'static [&'static str], &'static str);

const FLAGS: &[Flags] = &[
    (
        &["-n", "--dry-run"],
        &["plan", "explain", "lint", "render"],
        "this command never builds: leave the flag out",
    ),
    (
        &["-n", "--dry-run"],
        &[],
        "`onebuild plan` prints what would be built, `onebuild matrix -n --push` what would be pushed",
    ),
    (&["--push", "--load", "-o", "--output"], &["render"], "`--out DIR` names the directory"),
    (
        &["--push"],
        &[],
        "`onebuild matrix --push` pushes; `onebuild matrix -n --push` prints what it would push",
    ),
    (&["--no-push"], &[], "without `--push`, nothing is pushed: leave the flag out"),
    (
        &["-p", "--password"],
        &["login"],
        "the password is read from the input: write `--password-stdin`",
    ),
    (&["-p"], &[], "write `--push` or `--platform`"),
    (
        &["-t", "--tag", "--tags", "--name"],
        &[],
        "`image` and `tag` in matrix.yaml name the image; `--image` replaces the repository, and \
         `--tag-prefix` adds a prefix to every tag",
    ),
    (
        &["--repo", "--repository", "--registry"],
        &[],
        "`--image REPOSITORY` replaces the repository, which includes its registry",
    ),
    (
        &["-e", "--env", "--arg", "--args", "--build-args", "--set"],
        &[],
        "`--build-arg NAME=VALUE` sets a build argument, `--var NAME=VALUE` a var of the matrix",
    ),
    (
        &["--arch", "--architecture", "--platforms"],
        &[],
        "`--platform` selects platforms: `--platform linux/amd64,linux/arm64`",
    ),
    (&["-a", "--all"], &[], "`onebuild matrix` builds all cells"),
    (
        &["--select", "--filter", "--include", "--axis"],
        &[],
        "`--only AXIS=VALUE` selects cells: `--only os=alpine`",
    ),
    (&["--exclude"], &[], "`--skip AXIS=VALUE` excludes cells: `--skip os=alpine`"),
    (
        &["-c", "-d", "--context", "--dockerfile"],
        &[],
        "`context` and `dockerfile` in matrix.yaml name them",
    ),
    (&["--config", "--matrix"], &[], "`--file` names the matrix"),
    (
        &["--parallel", "--max-parallel", "--concurrency"],
        &[],
        "`--jobs N` limits the parallel cells",
    ),
    (&["--check", "--call"], &[], "`onebuild lint` checks the matrix and its Dockerfiles"),
    (&["-l", "--list", "--print", "--show"], &[], "`onebuild plan` prints what would be built"),
    (
        &["--driver"],
        &[],
        "`--host` names the engine, `--builder` a builder of docker buildx, whose driver is used",
    ),
    (
        &["--sbom", "--attest"],
        &[],
        "the only attestation that onebuild attaches is provenance, and only with `--provenance`: leave the \
         flag out",
    ),
    (
        &["--iidfile", "--metadata-file"],
        &[],
        "the table at the end of a build has the digest of each image",
    ),
    (&["--no-cache-filter"], &[], "`--no-cache` builds all stages again"),
    (&["-D"], &[], "`--debug FILE` logs the communication with the engine to a file"),
];

/// Words in the place of a command, and the hint.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["push", "publish", "deploy", "release"],
        "`onebuild matrix --push` builds and pushes all cells",
    ),
    (
        &[
            "ls", "list", "ps", "images", "show", "print", "cells", "targets", "dry-run", "status",
            "config",
        ],
        "`onebuild plan` prints what would be built",
    ),
    (&["all", "bake", "buildx", "make", "run", "up"], "`onebuild matrix` builds all cells"),
    (&["docker", "image", "buildctl"], "`onebuild build` builds the defaults of matrix.yaml"),
    (&["check", "validate", "verify"], "`onebuild lint` checks the matrix and its Dockerfiles"),
    (
        &["test"],
        "`onebuild matrix` builds all cells and runs their smoke tests (`test` in matrix.yaml)",
    ),
    (&["generate", "template", "export"], "`onebuild render` prints the rendered Dockerfiles"),
    (&["new", "create", "start", "setup"], "`onebuild init` creates a matrix.yaml"),
    (&["inspect", "describe", "why"], "`onebuild explain CELL` prints every value of one cell"),
    (&["completion"], "`onebuild completions SHELL` prints the script"),
    (&["version"], "`onebuild --version` prints the version"),
];

/// Adds a hint to an error about an unknown flag or command. It replaces the suggestions of clap, which
/// knows similar spellings only.
pub(super) fn add(error: &mut clap::Error, command: &Command, args: &[OsString]) {
    let hint = match error.kind() {
        ErrorKind::UnknownArgument => {
            // clap's advice to write `-- -t`: no cell has such a name.
            error.remove(ContextKind::Suggested);
            text(error, ContextKind::InvalidArg).and_then(|flag| of_flag(&flag, command, args))
        }
        ErrorKind::TooManyValues => text(error, ContextKind::InvalidArg).map(|flag| {
            error.remove(ContextKind::Usage);
            of_switch(&flag)
        }),
        ErrorKind::InvalidSubcommand => {
            text(error, ContextKind::InvalidSubcommand).and_then(|word| of_command(&word))
        }
        _ => None,
    };
    let Some(hint) = hint else { return };
    for suggestion in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        error.remove(suggestion);
    }
    if error.kind() == ErrorKind::UnknownArgument {
        // It names the flag that clap suggests.
        error.remove(ContextKind::Usage);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
}

/// The error for an optional value behind a blank, which clap takes for a cell.
pub(super) fn detached(command: &Command, args: &[OsString]) -> Option<clap::Error> {
    let within = args
        .iter()
        .skip(1)
        .find_map(|arg| command.get_subcommands().find(|known| *arg == *known.get_name()))?;
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let words: Vec<&str> = args[..end].iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let (flag, value) = (pair[0], pair[1]);
        let long = flag.strip_prefix("--")?;
        let known = within.get_arguments().find(|arg| arg.get_long() == Some(long))?;
        let is_switch = !known.get_action().takes_values();
        let fits = known.is_require_equals_set() || is_switch && matches!(value, "true" | "false");
        if !fits || value.starts_with('-') {
            return None;
        }
        let joined = format!("{flag}={value}");
        let mut again = args.to_vec();
        again.splice(at..at + 2, [OsString::from(&joined)]);
        command.clone().try_get_matches_from(without_values(command, &again)).ok()?;
        let message = format!(
            "the value of `{flag}` follows a `=`: write `{joined}`; for the cell `{value}`, write it before \
             `{flag}`\n\n{MORE}\n"
        );
        Some(clap::Error::raw(ErrorKind::ValueValidation, message))
    })
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The command in `args`, if it is in front of `flag`.
fn before<'c>(flag: &str, command: &'c Command, args: &[OsString]) -> Option<&'c Command> {
    let front = args.iter().skip(1).take_while(|arg| !arg.to_string_lossy().starts_with(flag));
    front
        .into_iter()
        .find_map(|arg| command.get_subcommands().find(|known| *arg == *known.get_name()))
}

fn of_flag(flag: &str, command: &Command, args: &[OsString]) -> Option<String> {
    let flag = flag.split('=').next().unwrap_or_default();
    let within = before(flag, command, args);
    let name = within.map_or("", Command::get_name);
    let fits = |(flags, commands, _): &&Flags| {
        flags.contains(&flag) && (commands.is_empty() || commands.contains(&name))
    };
    if let Some((_, _, hint)) = FLAGS.iter().find(fits) {
        return Some((*hint).to_owned());
    }
    let short = |arg: &clap::Arg| arg.get_short().map(|short| format!("-{short}"));
    let is_flag = |arg: &&clap::Arg| {
        flag.strip_prefix("--").is_some_and(|long| arg.get_long() == Some(long))
            || short(arg).as_deref() == Some(flag)
    };
    let known = command.find_subcommand("build")?.get_arguments().any(|arg| is_flag(&arg));
    (known && within.is_none())
        .then(|| format!("write the flag after the command: `onebuild build {flag}`"))
}

/// What to write in place of a flag with a value that is no boolean.
fn of_switch(flag: &str) -> String {
    match flag {
        "--provenance" => {
            "`--provenance` attaches provenance with mode=min, and `--provenance=false` none"
                .to_owned()
        }
        _ => format!("write `{flag}` or `{flag}=false`"),
    }
}

fn of_command(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    if let Some((_, hint)) = COMMANDS.iter().find(|(words, _)| words.contains(&lower.as_str())) {
        return Some((*hint).to_owned());
    }
    // A name of a command has only letters.
    if word.starts_with(['.', '/', '~']) {
        return Some(
            "`onebuild build` builds; the build context is `context` in matrix.yaml".to_owned(),
        );
    }
    let is_cell = word.contains(|c: char| c.is_ascii_digit() || "=.:/*?".contains(c));
    is_cell.then(|| "name the command first, such as `onebuild build CELL`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::command;

    /// The error for a command line, without its first line.
    fn hint(line: &str) -> String {
        let mut command = command(&[]);
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut error = command.try_get_matches_from_mut(&args).unwrap_err();
        add(&mut error, &command, &args);
        error.to_string().split_once('\n').unwrap().1.to_owned()
    }

    #[test]
    fn a_flag_of_another_program_leads_to_ours() {
        for (line, wanted) in [
            ("o -n matrix", "`onebuild plan`"),
            ("o --dry-run", "`onebuild plan`"),
            ("o plan -n", "never builds"),
            ("o lint --dry-run", "never builds"),
            ("o plan --push", "`onebuild matrix --push`"),
            ("o render -o x", "`--out DIR`"),
            ("o build -t a:b", "`--tag-prefix`"),
            ("o build --tag=a:b", "`--tag-prefix`"),
            ("o build -ta:b", "`--tag-prefix`"),
            ("o matrix -p", "`--platform`"),
            ("o login -p x", "`--password-stdin`"),
            ("o login --password=x", "`--password-stdin`"),
            ("o build --driver x", "`--builder`"),
            ("o build -e A=b", "`--build-arg NAME=VALUE`"),
            ("o --jobs 4 build", "`onebuild build --jobs`"),
            ("o -f x plan", "`onebuild build -f`"),
            ("o build --sbom=false", "leave the flag out"),
            ("o build --push=maybe", "`--push` or `--push=false`"),
            ("o build --pull=", "`--pull` or `--pull=false`"),
            ("o build --provenance=mode=max", "mode=min"),
        ] {
            assert!(hint(line).contains(wanted), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn an_optional_value_behind_a_blank_is_named() {
        let command = command(&[]);
        let error = |line: &str| {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            detached(&command, &args).map(|error| error.to_string())
        };
        for (line, wanted) in [
            ("o build --resume 2", "write `--resume=2`"),
            ("o build a --resume 20261128T181044Z-3f2a --push", "`--resume=20261128T181044Z-3f2a`"),
            ("o matrix --reclaim 10g", "write `--reclaim=10g`"),
            ("o build --no-cache false", "write `--no-cache=false`"),
        ] {
            let error = error(line).unwrap();
            assert!(error.contains(wanted), "{line}: {error}");
        }
        for line in [
            "o build --resume 2.1-alpine",
            "o build 2 --resume",
            "o build --resume -- 2",
            "o build --resume=2 2",
            "o build --no-cache a",
            "o build --jobs 2",
        ] {
            assert_eq!(error(line), None, "{line}");
        }
    }

    #[test]
    fn a_command_of_another_program_leads_to_ours() {
        for (line, wanted) in [
            ("o push", "`onebuild matrix --push`"),
            ("o ls", "`onebuild plan`"),
            ("o LS", "`onebuild plan`"),
            ("o bake", "`onebuild matrix`"),
            ("o check", "`onebuild lint`"),
            ("o .", "`context`"),
            ("o alpine-3.20", "`onebuild build CELL`"),
            ("o os=alpine", "`onebuild build CELL`"),
        ] {
            assert!(hint(line).contains(wanted), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn an_unknown_flag_is_never_a_cell() {
        for line in ["o build -x", "o plan -z a", "o login -z", "o explain a -q"] {
            assert!(!hint(line).contains("-- -"), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn a_hint_is_for_a_command_that_does_not_exist() {
        let command = command(&[]);
        for word in COMMANDS.iter().flat_map(|(words, _)| *words) {
            assert!(command.find_subcommand(word).is_none(), "{word}");
        }
    }
}
