//! `--debug FILE` and `ONEBUILD_LOG`: opens the debug log and writes what it begins with.
//!
//! The log begins before the command line is understood, because the matrix is read before that.

use std::env;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::io::Errno;

use crate::cli;
use crate::debug::{self, FIRST_LINE};
use crate::error::{Error, ErrorKind, why};
use crate::regular;
use crate::run::terminal;
use crate::workspace::targets;

const FLAG: &str = "--debug";

/// The variable that does the same as the flag.
const VARIABLE: &str = "ONEBUILD_LOG";

/// Flags whose values are no secrets and help to understand a run. Of the others only the name is
/// logged, and of NAME=VALUE the first name.
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

/// Flags whose value begins with a name that is no secret.
const NAMED_FLAGS: &[&str] =
    &["--build-arg", "--var", "--secret", "--build-context", "--ssh", "--output", "-o"];

/// Variables that change what a run does. Only their names are logged.
const VARIABLES: &[&str] = &[
    "ONEBUILD_",
    "DOCKER_",
    "BUILDKIT_",
    "BUILDX_",
    "COMPOSE_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_",
    "SSH_AUTH_SOCK",
    "ACTIONS_",
    "GITHUB_",
    "GITLAB_CI",
    "RUNNER_",
    "CI",
    "NO_COLOR",
    "CLICOLOR",
    "TERM",
    "XDG_",
    "SOURCE_DATE_EPOCH",
    "TZ",
    "LANG",
    "LC_",
    "HOME",
    "TMPDIR",
];

/// Parts of the names of variables that hold secrets. Their values are kept out of the log.
const SECRET_NAMES: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "APIKEY",
    "API_KEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "AUTH_CONFIG",
];

/// A value that is shorter may be part of any word.
const SHORTEST_SECRET: usize = 8;

/// Opens the log, if the command line or the environment names one.
pub(super) fn start(args: &[OsString]) -> Result<(), Error> {
    let Some((path, origin)) = named(args, env::var_os(VARIABLE)) else { return Ok(()) };
    let file = open(&path).map_err(|why| {
        let message = format!("the debug log {} cannot be written: {why}", path.display());
        Error::new(ErrorKind::Usage, message).help(format!("name another file with {origin}"))
    })?;
    let started = debug::start(file);
    started.map_err(|error| {
        Error::new(ErrorKind::Bug, "the debug log did not start").caused_by(error)
    })?;
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy().to_uppercase();
        let value = value.to_string_lossy();
        if value.len() >= SHORTEST_SECRET && SECRET_NAMES.iter().any(|part| name.contains(part)) {
            debug::hide(&value);
        }
    }
    header(args);
    Ok(())
}

/// Says how the command ended.
pub(super) fn end(code: ExitCode) {
    // It gives its number in no other way.
    let code = (0..=u8::MAX).find(|number| ExitCode::from(*number) == code);
    tracing::debug!(target: "run", code, "end");
    if let Some(why) = debug::lost() {
        terminal::stderr(&format!("warning: the debug log is not complete: {why}\n"));
    }
}

fn header(args: &[OsString]) {
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    tracing::debug!(
        target: "run",
        version = env!("CARGO_PKG_VERSION"),
        system = format!("{} {}", text(system.sysname()), text(system.release())),
        machine = text(system.machine()),
        cores = std::thread::available_parallelism().map_or(0, usize::from),
        pid = std::process::id(),
        arguments = arguments(args),
        "start"
    );
    let mut set: Vec<String> = env::vars_os()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .filter(|name| VARIABLES.iter().any(|known| is_named(known, name)))
        .collect();
    set.sort();
    tracing::debug!(target: "run", set = set.join(" "), "environment");
}

/// Whether `name` is the variable `known`, or one that begins with it where that ends in `_`.
fn is_named(known: &str, name: &str) -> bool {
    let name = name.to_uppercase();
    name == known || (known.ends_with('_') && name.starts_with(known))
}

/// What names the log, and where.
fn named(args: &[OsString], variable: Option<OsString>) -> Option<(PathBuf, &'static str)> {
    if let Some(value) = cli::early_values(args, FLAG, None).next() {
        // The parser of the command line says what is wrong with another one.
        return value
            .filter(|v| *v == "-" || !(v.is_empty() || v.as_bytes().starts_with(b"-")))
            .map(|v| (v.into(), FLAG));
    }
    variable.filter(|value| !value.is_empty()).map(|value| (value.into(), VARIABLE))
}

/// Opens the file for further lines. A file that holds anything else is left alone.
fn open(path: &Path) -> Result<File, String> {
    if path == Path::new("-") {
        return Err("it must be a file".to_owned());
    }
    targets::check(path)?;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let mut options = File::options();
    options.read(true).append(true).create(true).mode(0o600).custom_flags(flags.bits() as i32);
    let mut file = options.open(path).map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => "it is a symbolic link".to_owned(),
        _ => why(&error),
    })?;
    let prepared = |file: &mut File| -> io::Result<bool> {
        // It may be another one by now.
        regular::check(&file.metadata()?)?;
        if !is_ours(file)? {
            return Ok(false);
        }
        file.set_permissions(Permissions::from_mode(0o600))?;
        if file.metadata()?.len() == 0 {
            file.write_all(FIRST_LINE.as_bytes())?;
        }
        Ok(true)
    };
    match prepared(&mut file).map_err(|error| why(&error))? {
        true => Ok(file),
        false => Err("it exists, and is no debug log".to_owned()),
    }
}

/// Whether a file is empty or a debug log.
fn is_ours(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::Start(0))?;
    let mut first = Vec::new();
    file.take(FIRST_LINE.len() as u64).read_to_end(&mut first)?;
    Ok(first.is_empty() || first == FIRST_LINE.as_bytes())
}

/// The command line without what may be a secret: the command, flags, and values of some of them.
fn arguments(args: &[OsString]) -> String {
    let command = cli::command(&[]);
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
            Some(text) => shown.push(format!("{known}={}", value(name, text))),
            None => shown.push(known.to_owned()),
        }
        flag = if glued.is_none() { name.to_owned() } else { String::new() };
    }
    shown.join(" ")
}

/// What of the value of a flag is shown.
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

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_log_is_named_by_the_flag_before_the_variable() {
        for (line, variable, expected) in [
            ("onebuild plan", "", None),
            ("onebuild plan", "v.log", Some("v.log")),
            ("onebuild --debug a.log plan", "v.log", Some("a.log")),
            ("onebuild plan --debug a.log", "", Some("a.log")),
            ("onebuild plan --debug=a.log --debug b.log", "", Some("a.log")),
            ("onebuild plan --debugger a.log", "", None),
            ("onebuild plan -- --debug a.log", "v.log", Some("v.log")),
            // What the parser of the command line refuses.
            ("onebuild plan --debug", "v.log", None),
            ("onebuild plan --debug=", "", None),
            ("onebuild plan --debug --strict", "", None),
            ("onebuild plan --debug -", "", Some("-")),
        ] {
            let found = named(&words(line), Some(variable.into()));
            let found = found.map(|(path, _)| path);
            assert_eq!(found.as_deref(), expected.map(Path::new), "{line}");
        }
    }

    #[test]
    fn of_arguments_only_what_is_no_secret_is_shown() {
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
        ] {
            assert_eq!(arguments(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn variables_are_known_by_name_or_prefix() {
        for (name, expected) in [
            ("CI", true),
            ("CIRCLE", false),
            ("https_proxy", true),
            ("DOCKER_HOST", true),
            ("DOCKERX", false),
            ("MY_TOKEN", false),
        ] {
            assert_eq!(VARIABLES.iter().any(|known| is_named(known, name)), expected, "{name}");
        }
    }
}
