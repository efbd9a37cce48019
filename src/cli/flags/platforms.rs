//! `--platform`.

use std::str::FromStr;

use crate::image::{Platform, UnknownPlatform};

/// One or more platforms: `linux/amd64,arm64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlatformsFlag(pub Vec<Platform>);

impl FromStr for PlatformsFlag {
    type Err = UnknownPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Platform::list(text).collect::<Result<_, _>>().map(Self)
    }
}
