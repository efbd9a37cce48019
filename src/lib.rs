//! onebuild builds a matrix of container images from a few Dockerfile templates.
//!
//! The data flow, with one type for each step; only `Outcome` flows back:
//!
//! ```text
//! matrix.yaml -> Matrix -> Cell -> Rendered -> BuildRequest -> BuildKit -> Outcome -> report
//! ```
//!
//! `docs/architecture.md` says what each module holds, and which may use which.

#![deny(clippy::unwrap_used)]
#![warn(unreachable_pub)]

mod allow;
mod axis_source;
mod buildkit;
mod cell_name;
mod check;
mod cli;
mod commands;
mod config;
mod context;
mod debug;
mod dial;
mod docker;
mod dockerfile;
mod driver;
mod error;
mod event;
mod failure;
mod grants;
mod image;
mod init;
mod input;
mod lint;
mod loopback;
mod matrix;
mod node;
mod outcome;
mod plan;
mod progress;
mod proxy;
mod record;
mod registry;
mod regular;
mod report;
mod reporters;
mod run;
mod schedule;
mod template;
mod text;
mod unsent;
mod version;
mod workspace;
mod yaml;

pub use commands::run;

/// The version of onebuild, such as `0.2.0` or `0.3.0-dev`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The interface for the tests, benchmarks and fuzz targets of this repository. It is not stable.
///
/// Everything else is private, so that the compiler finds code that nothing uses.
#[doc(hidden)]
pub mod parts {
    pub use crate::allow::RULES;
    pub use crate::buildkit::Client;
    pub use crate::check::{Subject, acknowledge, check};
    pub use crate::cli::{AxisFlag, command};
    pub use crate::context::patterns::Rules;
    pub use crate::docker::{Credentials, DockerConfig, Engine, Places};
    pub use crate::dockerfile::{Dockerfile, Given, Source};
    pub use crate::driver::{
        EngineBuilder, EngineDisk, HeldSecrets, Outage, REGISTRY_TIMEOUT, Retried, Verified,
    };
    pub use crate::error::{Diagnostics, SourceFile};
    pub use crate::failure::{Failure, Kind, Phase, RegistryFault};
    pub use crate::image::{Digest, Platform, Reference};
    pub use crate::input::{Cache, EngineWait, Reclaim, Root};
    pub use crate::lint::{Findings, github, sarif, text};
    pub use crate::matrix::{Matrix, Overrides, Selection};
    pub use crate::node::{Node, NodeFacts, Store};
    pub use crate::outcome::CellResult;
    pub use crate::plan::{BuildOptions, BuildRequest, Output, PlanFiles, plan};
    pub use crate::proxy::Proxies;
    pub use crate::registry::{
        Gates, Patience, Registry, RegistryClient, Settle, VerifyError, verify,
    };
    pub use crate::run::guard;
    pub use crate::schedule::{Builder, Job, Slot};
    pub use crate::template::{Scope, Template, Value};
}
