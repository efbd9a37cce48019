//! How much of the engine's build cache a run may remove.

use std::str::FromStr;

use super::run::ByteSize;

/// A number of bytes, or all that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reclaim(u64);

impl Reclaim {
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Reclaim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self(u64::MAX)),
            _ => text.parse().map(|ByteSize(bytes)| Self(bytes)),
        }
    }
}
