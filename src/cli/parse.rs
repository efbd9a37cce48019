//! From the words of a command line to its [`Config`].

use std::ffi::OsString;

use clap::FromArgMatches as _;

use super::args::Cli;
use super::axes::axis_picks;
use super::command::{command, environment};
use super::convert::{self, Given};
use super::hints;
use super::surroundings::Surroundings;
use super::switches::without_values;
use super::typed::typed;
use super::usage::Usage;
use crate::config::Config;
use crate::error::Error;

/// Why a command line has no [`Config`].
#[derive(Debug)]
pub(crate) enum ParseError {
    Usage(Usage),
    /// A value is wrong or missing outside the command line.
    Value(Error),
}

/// Parses `args`, the program's name first.
pub(crate) fn parse(
    args: &[OsString],
    surroundings: Surroundings<'_>,
) -> Result<Config, ParseError> {
    let Surroundings { axes, variable, .. } = surroundings;
    let mut command = command(axes);
    let given = args;
    let args = &without_values(&command, args);
    let matches = command.try_get_matches_from_mut(args);
    let matches = matches.and_then(|matches| match hints::detached(&command, given) {
        Some(error) => Err(error),
        None => Ok(matches),
    });
    let parsed = matches.and_then(|matches| {
        let given = Given {
            axes: axis_picks(axes, &matches),
            environment: environment(&matches),
            typed: typed(&command, &matches),
            surroundings,
        };
        Cli::from_arg_matches(&matches).map(|cli| (cli, given))
    });
    let (cli, given) = parsed.map_err(|mut error| {
        hints::add(&mut error, &command, args);
        ParseError::Usage(Usage::of(error, args, variable))
    })?;
    convert::config(cli, given).map_err(ParseError::Value)
}
