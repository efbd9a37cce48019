//! Settings of `RUN` steps.

use std::str::FromStr;

use crate::input::{HostAddresses, Ulimit, cgroup, host, ulimit};

/// `NAME=SOFT[:HARD]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UlimitFlag(pub String, pub Ulimit);

impl FromStr for UlimitFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, limit) = ulimit(text)?;
        Ok(Self(name.to_owned(), limit.parse()?))
    }
}

/// `NAME=IP` or `NAME:IP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostFlag(pub String, pub HostAddresses);

impl FromStr for HostFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, addresses) = host(text)?;
        Ok(Self(name.to_owned(), addresses.parse()?))
    }
}

pub(crate) fn cgroup_parent(text: &str) -> Result<String, String> {
    cgroup(text).map(|()| text.to_owned())
}
