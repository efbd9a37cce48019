//! The command line: its flags, their help, and the [`Config`](crate::config::Config) that it gives.
//! Nothing outside of this directory uses clap.
//!
//! The axes of the matrix are flags too (`--os`, `--version`): [`command()`] gets their names, since
//! only the file contains them.

mod allow;
mod args;
mod axes;
mod command;
mod completions;
mod convert;
mod early;
mod flags;
mod hints;
mod man;
mod parse;
mod shown;
mod surroundings;
mod switches;
mod typed;
mod usage;
mod values;

pub use axes::AxisFlag;
pub(crate) use axes::axis_flags;
pub use command::command;
pub(crate) use command::is_flag;
pub(crate) use completions::{Known, candidates, completed, completion_script};
pub(crate) use early::{Early, early_values};
pub(crate) use man::man_pages;
pub(crate) use parse::{ParseError, parse};
pub(crate) use shown::shown;
pub(crate) use surroundings::Surroundings;
