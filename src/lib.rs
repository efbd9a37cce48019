//! onebuild builds a matrix of container images out of a few Dockerfile templates.
//!
//! The way through the house, one type an arrow; nothing flows back but `Outcome`:
//!
//! ```text
//! matrix.yaml -> Matrix -> Plan (cells) -> Rendered -> BuildRequest -> BuildKit -> Outcome -> Report
//! ```

#![deny(clippy::unwrap_used)]

pub mod allow; // acknowledgements of what rules find, and the list of the rules (pure)
pub mod axis_source; // fetching the values of axes that come from elsewhere
pub mod buildkit; // BuildKit's client: control, session; depends on nothing else of ours
pub mod cell_name; // how a cell is named (pure)
pub mod check; // rules over the whole plan (pure)
pub mod cli; // arguments and help, turned into `config`
pub mod commands; // one file a subcommand: wiring only
pub mod config; // what a command line asks for, as plain values
pub mod context; // the build context: .dockerignore, the walk
pub mod debug; // the debug log: what happened on each wire, without secrets
pub mod docker; // endpoint, dialer, credentials, the Docker API
pub mod dockerfile; // what a Dockerfile says, and what BuildKit makes of it (pure)
pub mod driver; // where docker and buildkit meet: implements `Builder`
pub mod error; // kinds, exit codes, rendering of source spans
pub mod event; // what work may tell a display
pub mod failure; // why a cell failed: its kind, and the sentences made from it (pure)
pub mod grants; // what a command line lets a matrix reach: `--allow` (pure)
pub mod image; // reference, tag, digest, platform (pure)
pub mod init; // a first matrix.yaml, from a Makefile and Dockerfiles (pure)
pub mod input; // further contexts, secrets, caches, as they are written (pure)
pub mod lint; // what is unwise about a matrix and its templates (pure)
mod loopback; // which hosts are this machine (pure)
pub mod matrix; // schema, expansion, selection (pure)
pub mod outcome; // what a cell came to
pub mod plan; // cells to build, and their build requests (pure)
pub mod progress; // tty, plain, quiet: consume events, write to a given Write
pub mod proxy; // which proxy a request goes through (pure)
pub mod registry; // manifest of a reference, verification of what was pushed
pub mod regular; // files that have a beginning and an end, opened
pub mod report; // the closing table and failures: return text
pub mod run; // signals that stop a run
pub mod schedule; // bounded, keep-going, cancel; knows a `Builder`, not BuildKit
pub mod template; // the one place that knows the placeholder syntax (pure)
pub mod text; // text for people: cleaned, measured, numbers made short (pure)
pub mod version; // how versions compare (pure)
pub mod workspace; // the files of the user, read and written
mod yaml; // YAML as a tree that knows its places (pure)
