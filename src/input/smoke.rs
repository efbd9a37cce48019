//! The smoke test of an image, which runs before the image is pushed or stored.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use indexmap::IndexMap;

use crate::error::Span;

/// The smoke test of a cell. Each platform must pass it before the image is pushed or stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeTest {
    /// Where the matrix defines it.
    pub span: Span,
    /// The command to run in the image; `None` if the test only waits for the health check.
    pub command: Option<SmokeCommand>,
    /// How long the image, started with its own command, may take to become healthy. The test's
    /// command then runs inside the same container. Without this, it replaces the image's command.
    pub healthy: Option<HealthWait>,
    /// Limit for the whole test of one platform.
    pub timeout: TimeLimit,
    pub env: IndexMap<String, String>,
    pub volumes: Vec<Volume>,
    pub privileged: bool,
}

impl SmokeTest {
    /// Approximate size in bytes.
    pub fn size(&self) -> usize {
        let command = match &self.command {
            Some(SmokeCommand::Words(words)) => words.iter().map(|word| word.len() + 24).sum(),
            Some(SmokeCommand::Shell(line)) => line.len(),
            Some(SmokeCommand::Script(_)) | None => 0,
        };
        let env = self.env.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        let volumes = self.volumes.iter().map(|one| one.host.len() + one.container.len());
        size_of::<Self>() + command + env + volumes.sum::<usize>()
    }
}

/// A time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthWait {
    pub limit: TimeLimit,
    /// Where the matrix sets it.
    pub span: Span,
}

/// The command of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmokeCommand {
    /// Program and arguments.
    Words(Vec<String>),
    /// A line for the image's `/bin/sh`.
    Shell(String),
    /// A file that is copied into the container and runs by its own `#!` line.
    Script(PathBuf),
}

/// A path of the engine's machine that is mounted in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Absolute, on the engine's machine.
    pub host: String,
    /// Absolute, in the container.
    pub container: String,
    pub read_only: bool,
}

/// A time limit in whole seconds, written as `90s` or `1m30s`: more than zero, and at most one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeLimit(u32);

impl TimeLimit {
    /// The timeout of a test by default.
    pub const DEFAULT: Self = Self(5 * 60);
    const LONGEST: Self = Self(60 * 60);
    const LONGEST_OF_CELL: Self = Self(24 * 60 * 60);

    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }

    /// Parses the time limit of a cell: at most one day.
    pub fn of_cell(text: &str) -> Result<Self, String> {
        Self::parse(text, Self::LONGEST_OF_CELL)
    }

    fn parse(text: &str, longest: Self) -> Result<Self, String> {
        const USAGE: &str = "write a time with its unit: 90s, 1m30s or 1h";
        let (mut total, mut rest, mut units) = (0_u64, text, ['h', 'm', 's'].into_iter());
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let unit = tail.chars().next().ok_or(USAGE)?;
            // Each unit at most once, larger units first.
            units.find(|known| *known == unit).ok_or(USAGE)?;
            let seconds = match unit {
                'h' => 3_600,
                'm' => 60,
                _ => 1,
            };
            let number: u64 = match number.len() {
                0 => return Err(USAGE.to_owned()),
                1..=9 => number.parse().map_err(|_| USAGE)?,
                _ => u64::MAX,
            };
            total = total.saturating_add(number.saturating_mul(seconds));
            rest = &tail[1..];
        }
        match total {
            _ if text.is_empty() => Err(USAGE.to_owned()),
            0 => Err("the time must be greater than zero".to_owned()),
            _ if total > longest.0.into() => {
                Err(format!("this is longer than the maximum of {longest}"))
            }
            _ => Ok(Self(u32::try_from(total).expect("it is at most a day"))),
        }
    }

    /// A multiple of this time, which may exceed [`Self::LONGEST`].
    pub fn times(self, factor: u32) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// The time limits of the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TimeLimits {
    /// For one attempt to build a cell, with its smoke test and its push.
    pub cell: Option<TimeLimit>,
    /// For a RUN step without output.
    pub idle: Option<TimeLimit>,
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, Self::LONGEST)
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.0 / 3_600, 'h'), (self.0 / 60 % 60, 'm'), (self.0 % 60, 's')];
        parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl FromStr for Volume {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let usage = "a volume is HOST:CONTAINER or HOST:CONTAINER:ro, both absolute paths";
        let mut fields = text.split(':');
        let mut path = || {
            let field = fields.next().filter(|field| field.starts_with('/'));
            field.filter(|field| !field.chars().any(char::is_control)).map(str::to_owned)
        };
        let (host, container) = (path().ok_or(usage)?, path().ok_or(usage)?);
        let read_only = match fields.next() {
            None | Some("rw") => false,
            Some("ro") => true,
            Some(_) => return Err(usage.to_owned()),
        };
        match fields.next() {
            None => Ok(Self { host, container, read_only }),
            Some(_) => Err(usage.to_owned()),
        }
    }
}

/// The syntax of the matrix.
impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, container, read_only } = self;
        write!(f, "{host}:{container}{}", if *read_only { ":ro" } else { "" })
    }
}

/// A shell command line.
impl fmt::Display for SmokeCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(&words.join(" ")),
            Self::Shell(line) => f.write_str(line),
            Self::Script(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_units_and_an_end() {
        for (text, read) in [
            ("90s", Ok("1m30s")),
            ("2m", Ok("2m")),
            ("1m30s", Ok("1m30s")),
            ("60m", Ok("1h")),
            ("1h", Ok("1h")),
            ("5", Err("unit")),
            ("", Err("unit")),
            ("s", Err("unit")),
            ("1s1m", Err("unit")),
            ("1m1m", Err("unit")),
            ("1.5m", Err("unit")),
            ("-1s", Err("unit")),
            ("2 m", Err("unit")),
            ("10ms", Err("unit")),
            ("1µ", Err("unit")),
            ("0s", Err("greater than zero")),
            ("61m", Err("maximum of 1h")),
            ("99999999999999999999h", Err("maximum")),
        ] {
            match (text.parse::<TimeLimit>(), read) {
                (Ok(limit), Ok(shown)) => assert_eq!(limit.to_string(), shown, "{text}"),
                (Err(why), Err(word)) => assert!(why.contains(word), "{text}: {why}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_volume_is_two_absolute_paths() {
        for text in ["/a:/b", "/a:/b:ro"] {
            assert_eq!(text.parse::<Volume>().unwrap().to_string(), text);
        }
        assert_eq!("/a:/b:rw".parse::<Volume>().unwrap().to_string(), "/a:/b");
        for text in ["", "/a", "a:/b", "/a:b", "./a:/b", "/a:/b:z", "/a:/b:ro:ro", "/a\n:/b"] {
            assert!(text.parse::<Volume>().is_err(), "{text}");
        }
    }
}
