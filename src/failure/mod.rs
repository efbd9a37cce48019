//! Why a cell failed: what failed, when, and whether another attempt may succeed. Pure.
//!
//! [`Kind`] and [`Phase`] are for code, the rest of a [`Failure`] is for people. One enumeration,
//! [`RegistryFault`], describes what a registry did, whoever asked it: BuildKit's messages are
//! classified into it (`driver/classify`), and our own registry client fills it in itself
//! (`registry/`). Its sentences are made here.

mod disk;
mod phase;
mod registry;

use std::time::Duration;

use crate::image::{Platform, Reference};

pub use disk::disk_help;
pub use phase::Phase;
pub use registry::{ApiError, RegistryFault, Request, Role};

/// Why a cell failed, in the terms of its Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// What failed.
    pub kind: Kind,
    /// What was being done.
    pub phase: Phase,
    /// One sentence without the command: `exit code 3`, `not found`.
    pub message: String,
    /// What the engine said in its own words, where `message` puts it shorter.
    pub verbatim: Option<String>,
    pub platform: Option<Platform>,
    /// The stage's name, where the Dockerfile names it.
    pub stage: Option<String>,
    /// Where in the template.
    pub place: Option<Place>,
    /// The instruction as BuildKit shows it: `RUN dnf -y install supervisor`.
    pub instruction: Option<String>,
    pub exit_code: Option<i32>,
    pub elapsed: Option<Duration>,
    /// The last lines that the failed step wrote, oldest first.
    pub log_tail: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Names that lead to the new image although the push of another one failed.
    pub pushed: Vec<Reference>,
}

/// What failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// A registry, or the way to it.
    Registry { image: Reference, fault: RegistryFault },
    /// The connection to the engine was lost.
    EngineLost,
    /// The engine has no disk space left.
    EngineDiskFull,
    /// A command of the Dockerfile: RUN.
    Command { exit_code: i32 },
    /// A smoke test: a command, a health check, or the container that ran them.
    SmokeTest,
    /// The build context, or another file of this machine that the build reads.
    Context,
    /// The Dockerfile: its syntax, a stage or a file that does not exist.
    Dockerfile,
    /// A file or directory of this machine that the result is written to.
    Output,
    /// A limit of ours ran out.
    TimedOut,
    /// A bug in onebuild.
    Bug,
    /// The engine said something that is not recognised.
    #[default]
    Unknown,
}

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the current directory.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// The line itself.
    pub text: String,
}

impl Failure {
    /// Whether the same attempt may succeed a little later, with nothing changed.
    ///
    /// A command that failed is not temporary: only the person who wrote it can tell.
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            Kind::Registry { fault, .. } => fault.is_temporary(),
            Kind::EngineLost => true,
            Kind::EngineDiskFull
            | Kind::Command { .. }
            | Kind::SmokeTest
            | Kind::Context
            | Kind::Dockerfile
            | Kind::Output
            | Kind::TimedOut
            | Kind::Bug
            | Kind::Unknown => false,
        }
    }
}
