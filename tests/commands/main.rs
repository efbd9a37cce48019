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
mod render; // render --check, render --files
mod terminal; // tables on a terminal
