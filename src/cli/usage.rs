//! The result of clap if there are no arguments: a mistake in the command line, or the requested help.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind as ClapError};

use super::command::command;
use super::surroundings::Variable;
use crate::error::ErrorKind;
use crate::text::{hidden_logins, hide_words, redact_login};

/// A mistake in the command line, or the help.
#[derive(Debug)]
pub(crate) struct Usage {
    error: clap::Error,
    /// Whether the axes of a matrix are flags of the command.
    has_axes: bool,
}

impl Usage {
    pub(super) fn of(mut error: clap::Error, args: &[OsString], variable: Variable) -> Self {
        name_the_variable(&mut error, args, variable);
        hide_secrets(&mut error);
        Self { error, has_axes: has_axes(args) }
    }

    /// Whether the command line has a flag that does not exist, but may be an axis.
    pub(crate) fn is_unknown_flag(&self) -> bool {
        self.has_axes && self.error.kind() == ClapError::UnknownArgument
    }

    /// Prints it: help to stdout, a mistake with `stderr`. It gets the text without and with colours.
    pub(crate) fn print(&self, stderr: impl Fn(String, String)) -> ExitCode {
        if !self.error.use_stderr() {
            let _ = self.error.print();
            return ExitCode::SUCCESS;
        }
        let text = self.error.render();
        stderr(text.to_string(), text.ansi().to_string());
        ExitCode::from(ErrorKind::Usage.exit_code())
    }
}

/// Whether the command in `args` selects cells.
fn has_axes(args: &[OsString]) -> bool {
    let command = command(&[]);
    let known = |arg: &OsString| command.get_subcommands().find(|sub| *arg == *sub.get_name());
    let found = args.iter().skip(1).find_map(known);
    found.is_none_or(|sub| sub.get_arguments().any(|arg| arg.get_id() == "only"))
}

/// Adds the variable that a wrong value comes from: clap's message names only the flag.
fn name_the_variable(usage: &mut clap::Error, args: &[OsString], variables: Variable) {
    let context = |kind| match usage.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (Some(flag), Some(value)) =
        (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue))
    else {
        return;
    };
    let flag = flag.split(' ').next().unwrap_or_default();
    let variable =
        format!("ONEBUILD_{}", flag.trim_start_matches('-').replace('-', "_").to_uppercase());
    let typed = args.iter().any(|arg| arg.to_string_lossy().starts_with(flag));
    let set = || variables(&variable).and_then(|set| set.into_string().ok());
    if !typed && set().is_some_and(|set| set.contains(value)) {
        let hint = format!("the value comes from the variable {variable}").into();
        usage.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    }
}

/// The last line of clap's errors.
pub(super) const MORE: &str = "For more information, try '--help'.";

/// Hides the value of a secret flag, which may be the secret itself by mistake, and the password of a login,
/// of which clap's reason may have a part.
fn hide_secrets(usage: &mut clap::Error) {
    let text = |kind| match usage.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let flag = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue);
    let shown = match &value {
        _ if flag.starts_with("--secret") => "…".to_owned(),
        Some(value) => redact_login(value).into_owned(),
        None => return,
    };
    let secrets = value.as_deref().map(hidden_logins).unwrap_or_default();
    let reason = std::error::Error::source(usage).map(ToString::to_string).unwrap_or_default();
    let reason = redact_login(&reason);
    let safe = hide_words(&reason, &secrets);
    if safe == reason {
        usage.insert(ContextKind::InvalidValue, ContextValue::String(shown));
        return;
    }
    let message = format!("invalid value '{shown}' for '{flag}': {safe}\n\n{MORE}\n");
    *usage = clap::Error::raw(usage.kind(), message);
}
