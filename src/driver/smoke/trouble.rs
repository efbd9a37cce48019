//! What can go wrong in a smoke test, and how it is reported.

use std::time::Duration;

use super::foreign::ForeignProgram;
use super::limit::SmokeLimit;
use crate::docker::ContainerError;
use crate::driver::classify::{FREE_ENGINE, NO_EMULATOR, is_disk_full};
use crate::error::Span;
use crate::failure::{Kind, Phase};
use crate::image::Platform;
use crate::input::SmokeTest;
use crate::outcome::{Failure, Place};

/// What went wrong.
pub(crate) enum Trouble {
    /// A command failed.
    Exit {
        code: i64,
        out_of_memory: bool,
    },
    /// The engine returned an error.
    Refused {
        what: &'static str,
        error: ContainerError,
    },
    /// The image has no HEALTHCHECK.
    Unchecked,
    /// The program is built for another platform.
    Foreign(ForeignProgram),
    Unhealthy {
        check: String,
    },
    /// The container exited before it was healthy.
    Ended {
        code: i64,
    },
    /// The container exited while the command ran in it.
    Died {
        code: i64,
    },
    NotHealthy {
        limit: SmokeLimit,
        check: String,
    },
    TooLong {
        limit: SmokeLimit,
    },
    /// The engine itself used up the time.
    EngineTooLong {
        what: &'static str,
        limit: SmokeLimit,
    },
}

/// Wraps an error of the engine.
pub(crate) fn refused(what: &'static str) -> impl FnOnce(ContainerError) -> Trouble {
    move |error| Trouble::Refused { what, error }
}

impl Trouble {
    /// The failure in terms of the matrix. `log_tail` is the last output of the container, `took` the
    /// duration of the test.
    pub(crate) fn failure(
        self,
        test: &SmokeTest,
        platform: &Platform,
        mut log_tail: Vec<String>,
        took: Duration,
    ) -> Failure {
        let (mut help, mut verbatim, mut exit_code) = (None, None, None);
        let kind = match &self {
            Self::Refused { error, .. } if error.is_lost => Kind::EngineLost,
            Self::Refused { error, .. } if is_disk_full(&error.message) => Kind::EngineDiskFull,
            _ => Kind::SmokeTest,
        };
        let mut checked = |check: String| {
            let lines = check.lines().map(|line| format!("health check: {line}"));
            log_tail.extend(lines.collect::<Vec<_>>());
        };
        // The duration of a refused request or of a timeout is not useful.
        let timed = matches!(
            self,
            Self::Exit { .. } | Self::Unhealthy { .. } | Self::Ended { .. } | Self::Died { .. }
        );
        let asked = match (&self, &test.healthy) {
            (
                Self::Exit { .. }
                | Self::Refused { .. }
                | Self::Foreign(_)
                | Self::TooLong { .. }
                | Self::EngineTooLong { .. },
                _,
            ) => &test.span,
            (_, wait) => wait.as_ref().map_or(&test.span, |wait| &wait.span),
        };
        let what = match self {
            Self::Exit { code, out_of_memory } => {
                exit_code = i32::try_from(code).ok();
                let why = if out_of_memory { ": out of memory" } else { "" };
                format!("exit code {code}{why}")
            }
            Self::Refused { what, error } => {
                help = refused_help(&error.message);
                verbatim = Some(error.message);
                what.to_owned()
            }
            Self::Unchecked => {
                help = Some("add a HEALTHCHECK to its Dockerfile, or remove `healthy`".to_owned());
                "the image has no HEALTHCHECK".to_owned()
            }
            Self::Foreign(found) => {
                help = Some(FOREIGN.to_owned());
                found.to_string()
            }
            Self::Unhealthy { check } => {
                checked(check);
                "the container is unhealthy".to_owned()
            }
            Self::Ended { code } => {
                exit_code = i32::try_from(code).ok();
                format!("the container exited with code {code} before it was healthy")
            }
            Self::Died { code } => {
                exit_code = i32::try_from(code).ok();
                format!("the container exited with code {code} while it was tested")
            }
            Self::NotHealthy { limit, check } => {
                checked(check);
                let help_text =
                    "check what its HEALTHCHECK waits for, or increase the limit in `healthy`";
                help = Some(help_text.to_owned());
                format!("not healthy within {limit}")
            }
            Self::TooLong { limit } => {
                let help_text = "check what it waits for, or increase `timeout`";
                help = Some(help_text.to_owned());
                format!("timed out after {limit}")
            }
            Self::EngineTooLong { what, limit } => {
                help = Some(ENGINE_TOO_LONG.to_owned());
                format!("{what} within {limit}: the engine is busy or does not answer")
            }
        };
        if log_tail.iter().any(|line| line.contains("exec format error")) {
            help = Some(NO_EMULATOR.to_owned());
        }
        Failure {
            message: what,
            kind,
            phase: Phase::SmokeTest,
            verbatim,
            platform: Some(platform.clone()),
            place: Some(place(asked)),
            exit_code,
            elapsed: timed.then_some(took),
            log_tail,
            help,
            ..Failure::default()
        }
    }
}

/// What to do when the engine itself uses up the time of a test.
const ENGINE_TOO_LONG: &str = "increase `timeout`, run fewer tests at once (--test-jobs), or check \
     whether the engine hangs: docker version";

/// What to do about a program of another platform.
const FOREIGN: &str = "check where it comes from: a base image pinned to the digest of one platform, a \
     FROM or COPY --from with another --platform, or a file of the build context";

/// What to do about this error message of the engine.
fn refused_help(message: &str) -> Option<String> {
    let help = if message.contains("bind source path does not exist") {
        "`volumes` are paths on the engine's machine: create this one there"
    } else if message.contains("executable file not found")
        || message.contains("no such file or directory")
    {
        "the image does not have the program, or the interpreter in its `#!` line"
    } else if message.contains("exec format error") {
        NO_EMULATOR
    } else if is_disk_full(message) {
        FREE_ENGINE
    } else if message.contains("permission denied") {
        "the image's user does not have permission to run it"
    } else {
        return None;
    };
    Some(help.to_owned())
}

fn place(span: &Span) -> Place {
    let (line, _) = span.line_column();
    let text = span.file.line_range(line).map(|range| &span.file.text()[range]);
    Place {
        file: span.file.name().to_string(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        text: text.unwrap_or_default().to_owned(),
    }
}
