//! `--debug FILE` and `ONEBUILD_LOG`: starts the debug log with what is known of the process.
//!
//! The log starts before the command line is parsed, because the matrix is read before that.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::terminal;
use crate::cli;
use crate::debug;
use crate::error::{Error, ErrorKind};

const FLAG: &str = "--debug";

/// The variable that does the same as the flag.
const VARIABLE: &str = "ONEBUILD_LOG";

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
    "DOCKER_DEFAULT_PLATFORM",
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

/// Starts the log, if the command line or the environment names one. `open` opens its
/// file.
pub(crate) fn start(
    args: &[OsString],
    open: impl FnOnce(&Path) -> Result<File, (ErrorKind, String)>,
) -> Result<(), Error> {
    let Some((path, origin)) = named(args, env::var_os(VARIABLE)) else { return Ok(()) };
    let file = open(&path).map_err(|(kind, why)| {
        let message = format!("the debug log {} cannot be written: {why}", path.display());
        let other = format!("name another file with {origin}");
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let help = match directory.filter(|parent| !parent.exists()) {
            Some(parent) => format!("create the directory {}, or {other}", parent.display()),
            None => other,
        };
        Error::new(kind, message).help(help)
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
pub(crate) fn end(code: ExitCode) {
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
        version = crate::VERSION,
        system = format!("{} {}", text(system.sysname()), text(system.release())),
        machine = text(system.machine()),
        cores = std::thread::available_parallelism().map_or(0, usize::from),
        pid = std::process::id(),
        arguments = cli::shown(args),
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
    if let Some(value) = cli::early_values(args, FLAG, None).last() {
        // The parser of the command line says what is wrong with another one.
        return value
            .filter(|v| *v == "-" || !(v.is_empty() || v.as_bytes().starts_with(b"-")))
            .map(|v| (v.into(), FLAG));
    }
    variable.filter(|value| !value.is_empty()).map(|value| (value.into(), VARIABLE))
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
            ("onebuild plan --debug=a.log --debug b.log", "", Some("b.log")),
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
