//! The selection of cells, and the overrides of the matrix.

use std::path::PathBuf;

use clap::Args;

use crate::cli::flags::{
    AllowFlag, BaseOverride, PlatformsFlag, build_arg, name_and_value, tag_prefix,
};
use crate::image::Repository;
use crate::matrix::Pick;

/// The cells that the command line names.
#[derive(Debug, Default, Args)]
pub(crate) struct CellArgs {
    /// Only these cells: names as in `plan`, tags or images; * matches any characters, ? one character
    #[arg(value_name = "CELL")]
    pub cells: Vec<String>,
}

/// The selection of cells.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct SelectArgs {
    /// Path of the matrix; - reads it from stdin [default: the nearest matrix.yaml or matrix.yml,
    /// in the current directory or above it in the same Git work tree]
    #[arg(short, long, env = "ONEBUILD_FILE")]
    pub file: Option<PathBuf>,
    /// Only cells with this axis value: a value, a list, a glob, a range, or version comparisons that
    /// must all be true (version=>=1.9,<2)
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub only: Vec<Pick>,
    /// Exclude cells with this axis value
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub skip: Vec<Pick>,
    /// Add a value that the matrix does not list, for this run only, and select it
    #[arg(long, value_name = "AXIS=VALUE", value_parser = Pick::parse)]
    pub add: Vec<Pick>,
    /// Build for these platforms instead of those of the matrix: linux/arm64, arm64, or native for the
    /// platform of the engine; a list has commas or blanks
    #[arg(long, env = "ONEBUILD_PLATFORM", value_name = "PLATFORM", value_delimiter = ',')]
    pub platform: Vec<PlatformsFlag>,
    /// Use this image repository instead of the one in the matrix
    #[arg(long, env = "ONEBUILD_IMAGE", value_name = "REPOSITORY", value_delimiter = ',')]
    pub image: Vec<Repository>,
    /// Add a prefix to every tag
    #[arg(long, env = "ONEBUILD_TAG_PREFIX", value_name = "TEXT", value_parser = tag_prefix)]
    pub tag_prefix: Option<String>,
    /// Set a var of the matrix
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub var: Vec<(String, String)>,
    /// Set a build argument; without =VALUE, its value comes from the environment variable NAME if it is
    /// set
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
    /// network.host, security.insecure, image.push=REPOSITORY, test.privileged, test.volumes=PATH; added to
    /// those of the variable
    #[arg(long, env = "ONEBUILD_ALLOW", value_name = "GRANT", help_heading = "Permissions")]
    pub allow: Vec<AllowFlag>,
}
