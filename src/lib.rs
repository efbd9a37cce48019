//! onebuild builds a matrix of container images from a few Dockerfile templates.
//!
//! The data flow, with one type for each step; only `Outcome` flows back:
//!
//! ```text
//! matrix.yaml -> Matrix -> Plan (cells) -> Rendered -> BuildRequest -> BuildKit -> Outcome -> Report
//! ```

#![deny(clippy::unwrap_used)]

mod allow; // acknowledgements of what rules find, and the list of the rules (pure)
mod axis_source; // fetching the values of axes that come from elsewhere
mod buildkit; // BuildKit's client: control, session; depends on nothing else of ours
mod cell_name; // how a cell is named (pure)
mod check; // rules over the whole plan (pure)
mod cli; // arguments and help, turned into `config`
mod commands; // one file or directory for each subcommand: wiring only
mod config; // what a command line asks for, as plain values
mod context; // the build context: .dockerignore, the walk
mod debug; // the debug log: what happened on each wire, without secrets
mod docker; // endpoint, dialer, credentials, the Docker API
mod dockerfile; // what a Dockerfile says, and what BuildKit makes of it (pure)
mod driver; // where docker and buildkit meet: implements `Builder`
mod error; // kinds, exit codes, rendering of source spans
mod event; // what work may tell a display
mod failure; // why a cell failed: its kind, and the sentences made from it (pure)
mod grants; // what a command line lets a matrix reach: `--allow` (pure)
mod image; // reference, tag, digest, platform (pure)
mod init; // a first matrix.yaml, from a Makefile and Dockerfiles (pure)
mod input; // further contexts, secrets, caches, as they are written (pure)
mod lint; // what is unwise about a matrix and its templates (pure)
mod loopback; // which hosts are this machine (pure)
mod matrix; // schema, expansion, selection (pure)
mod outcome; // what a cell came to
mod plan; // cells to build, and their build requests (pure)
mod progress; // tty, plain, quiet: consume events, write to a given Write
mod proxy; // which proxy a request goes through (pure)
mod registry; // manifest of a reference, verification of what was pushed
mod regular; // files that have a beginning and an end, opened
mod report; // the closing table and failures: return text
mod run; // the process: signals, the terminal, the debug log, the engine
mod schedule; // bounded, keep-going, cancel; knows a `Builder`, not BuildKit
mod template; // the one place that knows the placeholder syntax (pure)
mod text; // text for people: cleaned, measured, numbers made short (pure)
mod version; // how versions compare (pure)
mod workspace; // the files of the user, read and written
mod yaml; // YAML as a tree that knows its places (pure)

pub use commands::run;

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
    pub use crate::docker::{Credentials, DockerConfig, Engine, EngineFacts, Places, candidates};
    pub use crate::dockerfile::{Dockerfile, Given, Source};
    pub use crate::driver::{EngineBuilder, HeldSecrets, REGISTRY_TIMEOUT, Verified};
    pub use crate::error::{Diagnostics, SourceFile};
    pub use crate::failure::{Failure, Kind, Phase, RegistryFault};
    pub use crate::image::{Digest, Platform, Reference};
    pub use crate::input::{Cache, Root};
    pub use crate::lint::{Findings, github, sarif, text};
    pub use crate::matrix::{Matrix, Overrides, Selection};
    pub use crate::outcome::CellResult;
    pub use crate::plan::{BuildOptions, BuildRequest, Output, Templates, plan};
    pub use crate::proxy::Proxies;
    pub use crate::registry::{Patience, Registry, RegistryClient, Settle, VerifyError, verify};
    pub use crate::run::guard;
    pub use crate::schedule::Builder;
    pub use crate::template::{Scope, Template, Value};
}
