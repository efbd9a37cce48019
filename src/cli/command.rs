//! The command line that clap parses, and the origins of its values.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory as _};

use super::args::Cli;
use super::axes::{AxisFlag, axis_flag};

/// The command line with a flag for every axis whose name is not used by another flag.
pub fn command(axes: &[AxisFlag]) -> clap::Command {
    // As for docker, the last one of a flag with one value counts.
    let mut command = Cli::command().args_override_self(true);
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |sub| {
            let mut sub = sub.mut_args(unless_empty);
            // Only commands that select cells have these flags.
            let selects = selects_cells(&sub);
            for axis in axes.iter().filter(|_| selects) {
                if !has_flag(&sub, &axis.name) {
                    sub = sub.arg(axis_flag(axis));
                }
            }
            sub
        });
    }
    command
}

fn selects_cells(command: &clap::Command) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == "only")
}

fn has_flag(command: &clap::Command, name: &str) -> bool {
    ["debug", "help"].contains(&name)
        || command.get_arguments().any(|arg| arg.get_long() == Some(name))
}

/// Whether a command that selects cells has this flag, so that an axis of this name has none there.
pub(crate) fn is_flag(name: &str) -> bool {
    Cli::command().get_subcommands().any(|sub| selects_cells(sub) && has_flag(sub, name))
}

/// Ignores the variable of a flag if it is set but empty.
fn unless_empty(arg: Arg) -> Arg {
    let value = arg.get_env().and_then(std::env::var_os);
    let is_empty = value.is_some_and(|value| value.to_string_lossy().trim().is_empty());
    if is_empty { arg.env(None::<&str>) } else { arg }
}

/// The environment variables that set a value of the selection because no flag did.
pub(super) fn environment(matches: &ArgMatches) -> Vec<String> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let known = ["platform", "image", "tag_prefix"];
    let is_set = |id: &&str| {
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::EnvVariable)
    };
    let variable = |id: &str| format!("ONEBUILD_{}", id.to_uppercase());
    known.into_iter().filter(is_set).map(variable).collect()
}
