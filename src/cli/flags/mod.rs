//! The values of single flags, parsed.

mod allow;
mod base;
mod inputs;
mod output;
mod simple;

pub use allow::AllowFlag;
pub use base::BaseOverride;
pub use inputs::{BuildContext, CacheFlag, SecretFlag, SshFlag, annotation};
pub use output::OutputFlag;
pub use simple::{build_arg, jobs, name_and_value};
