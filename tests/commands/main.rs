//! The commands that need no engine, through the real binary in a cleared environment.

#![allow(clippy::unwrap_used, reason = "in a test a panic with its place is the report")]

mod completions; // completions and man
mod engines; // engines that are refused
mod explain; // the sources of values
mod init; // a first matrix.yaml
mod lint; // findings and their formats
mod makefiles; // what make builds and what init writes
mod memory; // many cells with long values
mod plan; // strategy matrices and bake files
mod project; // a directory, and onebuild in it
mod records; // the records of runs: `runs` and `logs`
mod render; // render --check, render --files
mod reports; // `runs show`, and the files that describe a run
mod terminal; // tables on a terminal
