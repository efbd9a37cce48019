//! `--allow`.

use std::str::FromStr;

use crate::grants::Grants;

/// The grants of one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllowFlag(pub Grants);

impl FromStr for AllowFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
