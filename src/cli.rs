//! Command-line arguments and their help; no behaviour.
//!
//! The axes of the matrix are flags too (`--os`, `--version`): [`command`] gets their names, since
//! only the file contains them.

mod allow;
mod axes;
mod early;
mod inputs;
mod tools;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory as _, Parser, Subcommand};

use crate::grants::Grants;
use crate::image::{Platform, Reference, Repository};
use crate::matrix::Pick;
use crate::plan::FileOutput;
use crate::progress::Mode;

pub use allow::AllowFlag;
pub use axes::axis_flags;
pub use early::early_values;
pub use inputs::{CacheFlag, InputArgs, NetworkArg, SecretFlag};
pub use tools::{
    CompletionsArgs, ExplainArgs, ExplainFormat, InitArgs, LintArgs, LintFormat, ManArgs, PlanArgs,
    PlanFormat, RenderArgs,
};

/// Builds and pushes a matrix of container images from a few Dockerfile templates.
#[derive(Debug, Parser)]
#[command(name = "onebuild", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Log the communication with the engine and the registries to a file, for a bug report;
    /// secrets are redacted [env: ONEBUILD_LOG]
    #[arg(long, global = true, value_name = "FILE")]
    pub debug: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the selected cells; an axis without a selection uses its default
    Build(BuildArgs),
    /// Build all cells, or all selected cells
    Matrix(BuildArgs),
    /// Print the rendered Dockerfiles, or write them to a directory; does not build
    Render(RenderArgs),
    /// Print what would be built
    Plan(PlanArgs),
    /// Print every value of one cell, and where it comes from
    Explain(ExplainArgs),
    /// Report errors and bad practice, without building
    Lint(LintArgs),
    /// Create a matrix.yaml, from the Makefile and the Dockerfiles if there are any
    Init(InitArgs),
    /// Print the JSON schema of matrix.yaml, for editors
    Schema,
    /// Print a shell completion script (includes the axes of the current matrix)
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

impl Command {
    /// The selection of cells; `None` for a command that does not need a matrix.
    pub fn select_mut(&mut self) -> Option<&mut SelectArgs> {
        match self {
            Self::Build(args) | Self::Matrix(args) => Some(&mut args.select),
            Self::Render(args) => Some(&mut args.select),
            Self::Plan(args) => Some(&mut args.select),
            Self::Explain(args) => Some(&mut args.select),
            Self::Lint(args) => Some(&mut args.select),
            Self::Init(_) | Self::Schema | Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

/// The selection of cells.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Path of the matrix; - reads it from stdin
    #[arg(short, long, env = "ONEBUILD_FILE", default_value = "matrix.yaml")]
    pub file: PathBuf,
    /// Only cells with this axis value: a value, a list, a glob, or a version comparison
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub only: Vec<Pick>,
    /// Exclude cells with this axis value
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub skip: Vec<Pick>,
    /// Add a value that the matrix does not list, for this run only
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub add: Vec<Pick>,
    /// Build for these platforms instead of those of the matrix
    #[arg(long, env = "ONEBUILD_PLATFORM", value_name = "PLATFORM", value_delimiter = ',')]
    pub platform: Vec<Platform>,
    /// Use this image repository instead of the one in the matrix
    #[arg(long, env = "ONEBUILD_IMAGE", value_name = "REPOSITORY", value_delimiter = ',')]
    pub image: Vec<Repository>,
    /// Add a prefix to every tag
    #[arg(long, env = "ONEBUILD_TAG_PREFIX", value_name = "TEXT")]
    pub tag_prefix: Option<String>,
    /// Set a var of the matrix
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub var: Vec<(String, String)>,
    /// Set a build argument; without =VALUE, its value comes from the environment
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = build_arg)]
    pub build_arg: Vec<(String, Option<String>)>,
    /// Replace a base image, e.g. with a mirror
    #[arg(long, value_name = "REF=REF")]
    pub base: Vec<BaseOverride>,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    /// Use the cached values of `from:` instead of fetching them
    #[arg(long)]
    pub offline: bool,
    /// Allow the matrix access beyond its repository: fs.read=PATH, fs.write=PATH, fs=PATH, ssh,
    /// network.host, security.insecure, image.push=REPOSITORY, test.privileged, test.volumes=PATH
    #[arg(long, env = "ONEBUILD_ALLOW", value_name = "GRANT", help_heading = "Permissions")]
    pub allow: Vec<AllowFlag>,
    /// The grants of `allow` and of the environment together.
    #[arg(skip)]
    pub grants: Grants,
    /// The values of the axis flags.
    #[arg(skip)]
    pub axes: Vec<Pick>,
    /// The environment variables that set a value because no flag did.
    #[arg(skip)]
    pub environment: Vec<String>,
}

/// `build` and `matrix`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub inputs: InputArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The destination of the result.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Push to the registry; without --load, the local image store keeps no copy
    #[arg(long)]
    pub push: bool,
    /// Load the images into the engine's store (the default without another output)
    #[arg(long)]
    pub load: bool,
    /// Write a file instead: type=oci|docker|tar|local,dest=PATH. A PATH that ends in / is a
    /// directory with one file for each cell; - is stdout
    #[arg(short, long, value_name = "SPEC", conflicts_with_all = ["push", "load"])]
    pub output: Option<OutputSpec>,
    /// Print what would be built, then exit; needs no engine
    #[arg(long)]
    pub dry_run: bool,
}

/// How it is built.
#[derive(Debug, Args)]
#[command(next_help_heading = "Build")]
pub struct RunArgs {
    /// Address of the Docker engine: unix://, tcp:// or ssh:// [default: DOCKER_HOST, the current
    /// docker context, or the usual sockets]
    #[arg(short = 'H', long, value_name = "ENDPOINT")]
    pub host: Option<String>,
    /// Number of cells to build at the same time [default: 4 per core]
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
    /// Do not use the build cache
    #[arg(long)]
    pub no_cache: bool,
    /// Always get base images from their registries; without it, the engine's own copy is used if a
    /// registry does not have the image or is down
    #[arg(long)]
    pub pull: bool,
    /// Attach provenance. A cached cell takes about 50% longer, and every run has a new digest, so
    /// that unchanged images are pushed again
    #[arg(long)]
    pub provenance: bool,
    /// Record each build in the engine's build history; a cached cell takes twice as long
    #[arg(long)]
    pub history: bool,
    /// Skip the smoke tests of the matrix
    #[arg(long)]
    pub skip_test: bool,
    /// How to show progress
    #[arg(long, value_enum, env = "ONEBUILD_PROGRESS", default_value_t = Mode::Auto)]
    pub progress: Mode,
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "the number must be greater than zero".to_owned())
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn build_arg(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("write NAME=VALUE".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None => Ok((text.to_owned(), None)),
    }
}

/// `ubuntu:24.04=mirror.example/ubuntu:24.04`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseOverride {
    /// The name in `FROM`.
    pub name: String,
    pub base: Reference,
}

impl FromStr for BaseOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let usage = "write REF=REF, such as ubuntu:24.04=mirror.example/ubuntu:24.04";
        let (name, base) = text.split_once('=').ok_or(usage)?;
        name.parse::<Reference>().map_err(|error| error.to_string())?;
        let base = base.parse::<Reference>().map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), base })
    }
}

/// `type=oci,dest=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec {
    pub kind: FileOutput,
    pub dest: PathBuf,
}

impl FromStr for OutputSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut kind, mut dest) = (None, None);
        for field in text.split(',') {
            match field.split_once('=') {
                Some(("type", "oci")) => kind = Some(FileOutput::Oci),
                Some(("type", "docker")) => kind = Some(FileOutput::Docker),
                Some(("type", "tar")) => kind = Some(FileOutput::Tar),
                Some(("type", "local")) => kind = Some(FileOutput::Local),
                Some(("type", other)) => {
                    return Err(format!("`{other}` is not one of oci, docker, tar, local"));
                }
                Some(("dest", path)) if !path.is_empty() => dest = Some(PathBuf::from(path)),
                _ => return Err(format!("`{field}` is neither type=… nor dest=…")),
            }
        }
        let kind = kind.ok_or("type=oci|docker|tar|local is missing")?;
        let dest = dest.ok_or("dest=PATH is missing")?;
        Ok(Self { kind, dest })
    }
}

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
pub fn axis_id(axis: &str) -> String {
    format!("axis:{axis}")
}

/// The command line with a flag for every axis whose name is not used by another flag.
pub fn command(axes: &[AxisFlag]) -> clap::Command {
    let mut command = Cli::command();
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |mut sub| {
            // Only commands that select cells have these flags.
            let selects = sub.get_arguments().any(|arg| arg.get_id() == "only");
            for axis in axes.iter().filter(|_| selects) {
                let taken = sub.get_arguments().any(|arg| arg.get_long() == Some(&axis.name))
                    || ["debug", "help"].contains(&axis.name.as_str());
                if !taken {
                    sub = sub.arg(axis_flag(axis));
                }
            }
            sub
        });
    }
    command
}

fn axis_flag(axis: &AxisFlag) -> Arg {
    Arg::new(axis.id())
        .long(axis.name.clone())
        .value_name("VALUE")
        .value_delimiter(',')
        .action(ArgAction::Append)
        .help(format!("Only these values of the axis {} ({})", axis.name, axis.values))
        .help_heading("Selection")
        .display_order(0)
}

/// The environment variables that set a value of the selection because no flag did.
pub fn environment(matches: &ArgMatches) -> Vec<String> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let known = ["platform", "image", "tag_prefix"];
    let is_set = |id: &&str| {
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::EnvVariable)
    };
    let variable = |id: &str| format!("ONEBUILD_{}", id.to_uppercase());
    known.into_iter().filter(is_set).map(variable).collect()
}

/// The values of the axis flags.
pub fn axis_picks(axes: &[AxisFlag], matches: &ArgMatches) -> Vec<Pick> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let pick = |axis: &AxisFlag| {
        let values = matches.try_get_many::<String>(&axis.id()).ok()??;
        Some(Pick { axis: axis.name.clone(), values: values.cloned().collect() })
    };
    axes.iter().filter_map(pick).collect()
}
