//! The values of single flags, parsed.

mod allow;
mod base;
mod inputs;
mod output;
mod platforms;
mod run;
mod simple;
mod timings;

pub(crate) use allow::AllowFlag;
pub(crate) use base::BaseOverride;
pub(crate) use inputs::{BuildContext, CacheFlag, SecretFlag, SshFlag, annotation};
pub(crate) use output::OutputFlag;
pub(crate) use platforms::PlatformsFlag;
pub(crate) use run::{HostFlag, UlimitFlag, cgroup_parent};
pub(crate) use simple::{
    build_arg, jobs, label, name_and_value, record, retries, run_choice, tag_prefix,
};
pub(crate) use timings::TimingsFlag;
