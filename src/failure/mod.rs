//! Why a cell failed: the cause, the phase, and whether a retry may succeed. Pure.
//!
//! [`Kind`] and [`Phase`] are for code, the rest of a [`Failure`] is for users. [`RegistryFault`]
//! describes all registry errors: BuildKit's messages are classified into it (`driver/classify`),
//! and our own registry client (`registry/`) creates it directly. Its messages are written here.

mod disk;
mod phase;
mod registry;

use std::time::Duration;

use crate::image::{Platform, Reference};

pub(crate) use disk::disk_help;
pub use phase::Phase;
pub use registry::RegistryFault;
pub(crate) use registry::{ApiError, Request, Role};

/// Why a cell failed, in terms of its Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// The cause.
    pub kind: Kind,
    /// The phase in which it failed.
    pub phase: Phase,
    /// One sentence without the command: `exit code 3`, `not found`.
    pub message: String,
    /// The engine's original message, if `message` is shorter.
    pub verbatim: Option<String>,
    pub platform: Option<Platform>,
    /// The stage's name, if the Dockerfile names it.
    pub stage: Option<String>,
    /// The position in the template.
    pub place: Option<Place>,
    /// The instruction as BuildKit shows it: `RUN dnf -y install supervisor`.
    pub instruction: Option<String>,
    pub exit_code: Option<i32>,
    pub elapsed: Option<Duration>,
    /// The last lines of output of the failed step, oldest first.
    pub log_tail: Vec<String>,
    /// What the user can do about it.
    pub help: Option<String>,
    /// References under which the new image was pushed, although another push failed.
    pub pushed: Vec<Reference>,
    /// The pattern of the matrix (`retry: when`) that the output of the failed step contains.
    pub retry_pattern: Option<String>,
    /// The attempts before this one, oldest first.
    pub earlier: Vec<Attempt>,
    /// The run was stopped before the next attempt.
    pub is_interrupted: bool,
}

/// An attempt to build a cell that failed and was followed by another one.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub failure: Box<Failure>,
    /// How long it took.
    pub took: Duration,
}

/// The cause of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kind {
    /// A registry, or the connection to it.
    Registry { image: Reference, fault: RegistryFault },
    /// The connection to the engine was lost.
    EngineLost,
    /// The engine is out of disk space.
    EngineDiskFull,
    /// A command of the Dockerfile: RUN.
    Command { exit_code: i32 },
    /// A smoke test: a command, a health check, or the container that ran them.
    SmokeTest,
    /// The build context, or another local file that the build reads.
    Context,
    /// The Dockerfile: its syntax, a stage or a file that does not exist.
    Dockerfile,
    /// A local file or directory that the result is written to.
    Output,
    /// A time limit of onebuild was exceeded.
    TimedOut,
    /// Another run created the same tag in the engine's store at the same moment.
    TagConflict,
    /// The engine's build cache lost the result of a step, and does not notice it.
    DamagedCache,
    /// A bug in onebuild.
    Bug,
    /// An engine message that onebuild does not recognise.
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
    /// Whether an unchanged retry may succeed later.
    ///
    /// A failed command is not temporary: only its author knows whether a retry may help.
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            Kind::Registry { fault, .. } => fault.is_temporary(),
            Kind::EngineLost | Kind::TagConflict | Kind::DamagedCache => true,
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
