//! The axes of a matrix as flags.

use clap::{Arg, ArgAction, ArgMatches};

use crate::error::visible;
use crate::matrix::{Axis, Pick};
use crate::template::is_name;

/// An axis of the matrix that becomes a flag.
#[derive(Debug, Clone)]
pub struct AxisFlag {
    pub name: String,
    /// The values, for the help.
    pub values: String,
}

impl AxisFlag {
    fn id(&self) -> String {
        axis_id(&self.name)
    }
}

/// The id of an axis flag. It cannot clash with other arguments, because their ids contain no colon.
pub(super) fn axis_id(axis: &str) -> String {
    format!("axis:{axis}")
}

/// The axes that can be flags, each once.
pub(crate) fn axis_flags(axes: &[Axis]) -> Vec<AxisFlag> {
    let mut flags: Vec<AxisFlag> = Vec::new();
    for axis in axes {
        let known = flags.iter().any(|flag| *flag.name == *axis.name);
        if is_name(&axis.name) && !known {
            let values = visible(&axis.known()).into_owned();
            flags.push(AxisFlag { name: axis.name.to_string(), values });
        }
    }
    flags
}

pub(super) fn axis_flag(axis: &AxisFlag) -> Arg {
    let name = axis.name.clone();
    Arg::new(axis.id())
        .long(axis.name.clone())
        .value_name("VALUE")
        .value_parser(move |values: &str| Pick::of(&name, values))
        .action(ArgAction::Append)
        .help(format!("Only these values of the axis {} ({})", axis.name, axis.values))
        .help_heading("Selection")
        .display_order(0)
}

/// The values of the axis flags.
pub(super) fn axis_picks(axes: &[AxisFlag], matches: &ArgMatches) -> Vec<Pick> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let pick = |axis: &AxisFlag| Some(matches.try_get_many::<Pick>(&axis.id()).ok()??.cloned());
    axes.iter().filter_map(pick).flatten().collect()
}
