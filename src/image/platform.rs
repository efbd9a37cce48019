//! An operating system and a processor architecture, as images name them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A platform such as `linux/amd64` or `linux/arm/v7`, normalised the way containerd does:
/// `x86_64` is `amd64`, `aarch64` is `arm64`, and `arm64/v8` is plain `arm64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a platform: write os/architecture[/variant], such as linux/arm64")]
pub struct InvalidPlatform(String);

impl Platform {
    /// The architecture alone, with its variant: `amd64`, `arm/v7`.
    pub fn short(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.architecture),
            None => self.architecture.clone(),
        }
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPlatform(text.to_owned());
        let parts: Vec<&str> = text.split('/').collect();
        let wellformed = |part: &&str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(wellformed) {
            return Err(invalid());
        }
        let architecture = parts[1].to_ascii_lowercase();
        let variant = parts.get(2).map(|v| v.to_ascii_lowercase());
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64".into(), None),
            ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64".into(), None),
            ("i386" | "386", None) => ("386".into(), None),
            ("armhf", None) | ("arm", None | Some("7")) => ("arm".into(), Some("v7".into())),
            _ => (architecture, variant),
        };
        Ok(Self { os: parts[0].to_ascii_lowercase(), architecture, variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_platform_are_equal() {
        for (spelling, normal) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/arm/v6", "linux/arm/v6"),
        ] {
            assert_eq!(spelling.parse::<Platform>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn what_is_not_a_platform_is_refused() {
        for text in
            ["", "linux", "linux/", "/amd64", "linux/arm64/v8/x", "linux/a b", "linux/arm64\n"]
        {
            assert!(text.parse::<Platform>().is_err(), "{text:?}");
        }
    }
}
