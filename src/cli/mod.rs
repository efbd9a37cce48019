//! Command-line arguments and their help; no behaviour.
//!
//! The axes of the matrix are flags too (`--os`, `--version`): [`command`] gets their names, since
//! only the file contains them.

mod allow;
mod args;
mod axes;
mod command;
mod early;
mod flags;
mod shown;
pub mod usage;

pub use allow::{early_grants, granted};
pub use args::{
    BuildArgs, Cli, Command, CompletionsArgs, ExplainArgs, ExplainFormat, InitArgs, InputArgs,
    LintArgs, LintFormat, ManArgs, NetworkArg, PlanArgs, PlanFormat, RenderArgs, SelectArgs,
};
pub use axes::{AxisFlag, axis_flags, axis_id, axis_picks};
pub use command::{command, environment};
pub use early::{early_file, early_values};
pub use flags::{BaseOverride, BuildContext, CacheFlag, OutputSpec, SecretFlag, SshFlag};
pub use shown::shown;
