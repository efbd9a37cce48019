//! The names of runs.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Names a run, and its directory: `20261128T181044Z-3f2a`. Names sort by the time at which the runs started:
/// after the seconds come the milliseconds, in hexadecimal, and a random digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RunId(String);

/// The length of the time, and of what follows the hyphen.
const TIME: usize = 16;
const REST: usize = 4;

impl RunId {
    /// A new name for a run that starts now.
    pub(super) fn new(now: Timestamp) -> io::Result<Self> {
        let random = getrandom::u32().map_err(io::Error::other)? & 0xf;
        Ok(Self(format!("{}-{:03x}{random:x}", now.compact(), now.milliseconds())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_time = |part: &str| {
            part.len() == TIME
                && part.bytes().enumerate().all(|(at, byte)| match at {
                    8 => byte == b'T',
                    15 => byte == b'Z',
                    _ => byte.is_ascii_digit(),
                })
        };
        let is_rest = |part: &str| {
            part.len() == REST && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        match text.split_once('-') {
            Some((time, rest)) if is_time(time) && is_rest(rest) => Ok(Self(text.to_owned())),
            _ => Err("it is not the name of a run, such as 20261128T181044Z-3f2a"),
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_runs_are_accepted() {
        let id = RunId::new("2026-11-28T18:10:44.12Z".parse().unwrap()).unwrap();
        assert!(id.as_str().starts_with("20261128T181044Z-"), "{id}");
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in [
            "",
            "logs",
            "20261128T181044Z",
            "20261128T181044Z-3F2A",
            "20261128T181044Z-3f2a/",
            "..-3f2a",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }
}
