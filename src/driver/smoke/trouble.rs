//! What can go wrong with a test, and how it is told.

use std::time::Duration;

use super::foreign::Foreign;
use super::limit::Limit;
use crate::docker::ContainerError;
use crate::driver::classify::{FREE_ENGINE, NO_EMULATOR, is_disk_full};
use crate::error::Span;
use crate::failure::{Kind, Phase};
use crate::image::Platform;
use crate::input::Test;
use crate::outcome::{Failure, Place};

/// What went wrong.
pub(crate) enum Trouble {
    /// A command ended so.
    Exit {
        code: i64,
        out_of_memory: bool,
    },
    /// The engine did not do it.
    Refused {
        what: &'static str,
        error: ContainerError,
    },
    /// There is no HEALTHCHECK.
    Unchecked,
    /// What would run is made for another platform.
    Foreign(Foreign),
    Unhealthy {
        check: String,
    },
    /// The container ended while it was waited for.
    Ended {
        code: i64,
    },
    /// The container ended while the command ran inside of it.
    Died {
        code: i64,
    },
    NotHealthy {
        limit: Limit,
        check: String,
    },
    TooLong {
        limit: Limit,
    },
    /// The engine itself used the time up.
    EngineTooLong {
        what: &'static str,
        limit: Limit,
    },
}

/// Says what the engine did not do.
pub(crate) fn refused(what: &'static str) -> impl FnOnce(ContainerError) -> Trouble {
    move |error| Trouble::Refused { what, error }
}

impl Trouble {
    /// In the terms of the matrix. `log_tail` is what the container wrote last, `took` how long the
    /// test ran.
    pub(crate) fn failure(
        self,
        test: &Test,
        platform: &Platform,
        mut log_tail: Vec<String>,
        took: Duration,
    ) -> Failure {
        let (mut help, mut verbatim, mut exit_code) = (None, None, None);
        let mut checked = |check: String| {
            let lines = check.lines().map(|line| format!("health check: {line}"));
            log_tail.extend(lines.collect::<Vec<_>>());
        };
        // What was refused, or has used up its time, need not say how long it took.
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
                help = Some("give its Dockerfile a HEALTHCHECK, or leave `healthy` out".to_owned());
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
                format!("the container ended with exit code {code} before it was healthy")
            }
            Self::Died { code } => {
                exit_code = i32::try_from(code).ok();
                format!("the container ended with exit code {code} while it was tested")
            }
            Self::NotHealthy { limit, check } => {
                checked(check);
                let help_text =
                    "find out what its HEALTHCHECK waits for, or give it more with `healthy`";
                help = Some(help_text.to_owned());
                format!("not healthy within {limit}")
            }
            Self::TooLong { limit } => {
                let help_text = "find out what it waits for, or give it more with `timeout`";
                help = Some(help_text.to_owned());
                format!("not done within {limit}")
            }
            Self::EngineTooLong { what, limit } => {
                help = Some(ENGINE_TOO_LONG.to_owned());
                format!("{what} within {limit}: the engine is busy, or does not answer")
            }
        };
        if log_tail.iter().any(|line| line.contains("exec format error")) {
            help = Some(NO_EMULATOR.to_owned());
        }
        Failure {
            message: what,
            kind: Kind::SmokeTest,
            phase: Phase::Test,
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

/// What to do when the engine needs the time of a test for itself.
const ENGINE_TOO_LONG: &str = "give it more with `timeout`, run fewer tests at once (--test-jobs), or see \
     whether the engine hangs: docker version";

/// What to do about a program of another platform.
const FOREIGN: &str = "find out where it comes from: a base image that is pinned to one platform's \
     digest, a FROM or COPY --from with another --platform, or a file of the context";

/// What to do when the engine refuses, as its sentence tells.
fn refused_help(message: &str) -> Option<String> {
    let help = if message.contains("bind source path does not exist") {
        "`volumes` are paths of the engine's own machine: make this one there"
    } else if message.contains("executable file not found")
        || message.contains("no such file or directory")
    {
        "the image has no such program, or not the one that a `#!` line names"
    } else if message.contains("exec format error") {
        NO_EMULATOR
    } else if is_disk_full(message) {
        FREE_ENGINE
    } else if message.contains("permission denied") {
        "the image's user may not run it"
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
