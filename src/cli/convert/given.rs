//! The parts of a command line that are not in the structs that clap fills.

use crate::cli::surroundings::Surroundings;
use crate::config::Typed;
use crate::matrix::Pick;

/// The axis flags, the environment, and where they come from.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    /// The values of the axis flags.
    pub axes: Vec<Pick>,
    /// The variables that set a value because no flag did.
    pub environment: Vec<String>,
    /// The command line itself.
    pub typed: Typed,
    pub surroundings: Surroundings<'a>,
}
