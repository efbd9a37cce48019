//! Arguments of the commands that build.

use std::num::NonZeroUsize;

use clap::Args;

use super::{CellArgs, InputArgs, RecordArgs, ReportArgs, SelectArgs};
use crate::cli::flags::{OutputFlag, jobs, retries};
use crate::input::{EngineWait, Reclaim, TimeLimit};
use crate::progress::Mode;

/// `build` and `matrix`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub cells: CellArgs,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// The destination of the result.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Push to the registry; without --load, the local image store keeps no copy
    #[arg(long)]
    pub push: bool,
    /// Load the images into the engine's store (the default without another output)
    #[arg(long)]
    pub load: bool,
    /// Write files instead: type=oci|docker|tar|local,dest=PATH, or just PATH for type=local. A PATH that
    /// ends in / is a directory with one file or directory for each cell; - is stdout. `none` builds and
    /// tests, and keeps no image
    #[arg(short, long, value_name = "SPEC", conflicts_with_all = ["push", "load"])]
    pub output: Option<OutputFlag>,
    /// Print what would be built and where it would go, then exit; needs no engine
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Which engine builds.
#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// Address of a Docker Engine (unix://, tcp:// or ssh://) or of a buildkitd (buildkit+unix://,
    /// buildkit+tcp://, docker-container://, podman-container:// or kube-pod://) [default:
    /// ONEBUILD_HOST, BUILDX_BUILDER, DOCKER_HOST, DOCKER_CONTEXT, the current docker context,
    /// BUILDKIT_HOST, or the usual sockets]
    #[arg(short = 'H', long, value_name = "ENDPOINT")]
    pub host: Option<String>,
    /// Name of a builder of docker buildx; `default` is the Docker Engine's own, and `onebuild` a BuildKit
    /// in a container of the engine, which is created if it does not exist
    #[arg(long, value_name = "NAME", conflicts_with = "host")]
    pub builder: Option<String>,
}

/// How it is built.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Number of cells to build at the same time [default: 4 per core of this machine]
    #[arg(short, long, env = "ONEBUILD_JOBS", value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Number of smoke tests to run at the same time; an emulated one counts as two [default: the
    /// engine's cores]
    #[arg(long, env = "ONEBUILD_TEST_JOBS", value_name = "N", value_parser = jobs)]
    pub test_jobs: Option<NonZeroUsize>,
    /// Continue with the other cells when one fails (the default)
    #[arg(long, overrides_with = "fail_fast")]
    pub keep_going: bool,
    /// Stop when a cell fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Number of further attempts after a temporary failure [default: 2, or `retry` of the matrix]
    #[arg(long, env = "ONEBUILD_RETRIES", value_name = "N", value_parser = retries)]
    pub retries: Option<u32>,
    /// Cancel a cell if an attempt to build, test and push it takes longer, such as `90m`
    #[arg(long, env = "ONEBUILD_TIMEOUT", value_name = "TIME", value_parser = TimeLimit::of_cell)]
    pub timeout: Option<TimeLimit>,
    /// Cancel a cell if a RUN step writes no output for this time, such as `10m`
    #[arg(long, env = "ONEBUILD_IDLE_TIMEOUT", value_name = "TIME")]
    #[arg(value_parser = TimeLimit::of_cell)]
    pub idle_timeout: Option<TimeLimit>,
    /// How long to wait for an engine that was lost during the run; `0s` does not wait
    #[arg(long, env = "ONEBUILD_ENGINE_WAIT", value_name = "TIME", default_value = "2m")]
    pub engine_wait: EngineWait,
    /// When the engine's disk is nearly full, remove build cache that was not used for the longest time: at most
    /// SIZE in this run, such as `20g`, or as much as needed
    #[arg(long, value_name = "SIZE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "all")]
    pub reclaim: Option<Reclaim>,
    /// Do not use the build cache
    #[arg(long)]
    pub no_cache: bool,
    /// Always get base images from their registries; without it, the engine's own copy is used if a
    /// registry does not have the image or is down
    #[arg(long)]
    pub pull: bool,
    /// Attach provenance. This takes time, and every run has a new digest, so that unchanged images are
    /// pushed again
    #[arg(long)]
    pub provenance: bool,
    /// Record each build in the engine's build history, which takes time
    #[arg(long)]
    pub history: bool,
    /// Skip the smoke tests of the matrix
    #[arg(long)]
    pub skip_test: bool,
    /// How to show progress
    #[arg(long, value_enum, env = "ONEBUILD_PROGRESS", default_value_t = Mode::Auto)]
    #[arg(overrides_with_all = ["quiet", "verbose"])]
    pub progress: Mode,
    /// Print only failures and unverified pushes: --progress quiet
    #[arg(short, long, overrides_with_all = ["verbose", "progress"])]
    pub quiet: bool,
    /// Print every line of the build output: --progress plain
    #[arg(short, long, overrides_with_all = ["quiet", "progress"])]
    pub verbose: bool,
    #[command(flatten)]
    pub record: RecordArgs,
}
