//! Platforms: an operating system and a processor architecture.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The architectures that Go supports, in the names of containerd, and WebAssembly. containerd knows more,
/// for which there are no images.
///
/// Source: <https://github.com/containerd/platforms/blob/main/database.go>
pub(super) const ARCHITECTURES: [&str; 15] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64",
    "ppc64le", "riscv64", "s390x", "wasm", "wasm32",
];

/// A platform such as `linux/amd64` or `linux/arm/v7`, normalised the way containerd does:
/// `x86_64` is `amd64`, `aarch64` is `arm64`, and `arm64/v8` is plain `arm64`. An architecture alone is
/// that of Linux.
///
/// Before the engine is known, it may also be *native*: whichever the engine has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// What the engine's platform is called while it is unknown.
const NATIVE: &str = "native";

/// The error for an invalid platform.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a platform: write os/architecture[/variant], such as linux/arm64")]
pub struct InvalidPlatform(String);

impl Platform {
    /// The platform of the engine, while it is unknown.
    pub fn native() -> Self {
        Self { os: NATIVE.to_owned(), architecture: String::new(), variant: None }
    }

    /// Whether it is whichever platform the engine has.
    pub fn is_native(&self) -> bool {
        self.architecture.is_empty()
    }

    /// These platforms on an engine of platform `native`. None is there twice.
    pub fn resolved(platforms: &[Self], native: &Self) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::with_capacity(platforms.len());
        for platform in platforms {
            let platform = if platform.is_native() { native } else { platform };
            if !found.contains(platform) {
                found.push(platform.clone());
            }
        }
        found
    }

    /// The platform of a machine, from the name of its processor in the kernel (`uname -m`).
    pub fn of_machine(os: &str, machine: &str) -> Result<Self, InvalidPlatform> {
        let architecture = match machine.to_ascii_lowercase().as_str() {
            "i486" | "i586" | "i686" => "386",
            "armv5l" | "armv5tel" | "armv5tejl" => "arm/v5",
            "armv6l" => "arm/v6",
            "armv7l" | "armv8l" => "arm/v7",
            "loongarch64" => "loong64",
            "mips64el" => "mips64le",
            _ => machine,
        };
        format!("{os}/{architecture}").parse()
    }

    /// Whether a machine of this platform runs `other` without emulation: 386 on amd64, 32-bit arm
    /// on arm64, and variants. The engine knows the variants of its processor: it does not list
    /// those that it cannot run.
    pub fn runs_natively(&self, other: &Self) -> bool {
        let variant = |platform: &Self| match platform.variant.as_deref() {
            Some(text) => text.trim_start_matches('v').parse::<u32>().ok(),
            None => Some(0),
        };
        self.os == other.os
            && match (self.architecture.as_str(), other.architecture.as_str()) {
                ("arm", "arm") => variant(other) <= variant(self),
                ("amd64", "386") | ("arm64", "arm") => true,
                (own, other) => own == other,
            }
    }

    /// Whether its programs are Linux programs.
    pub fn is_linux(&self) -> bool {
        self.os == "linux"
    }

    /// The operating system: `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The variant, if it is written and not the usual one: `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// The architecture without a variant: `amd64`, `arm`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The architecture with its variant: `amd64`, `arm/v7`. Systems other than Linux are named.
    pub fn short(&self) -> String {
        if !self.is_linux() {
            return self.to_string();
        }
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.architecture),
            None => self.architecture.clone(),
        }
    }

    /// Whether an image of this platform can be used in an image for `other`: the operating system
    /// and the architecture are the same, and the variant is not higher. It does not matter whether
    /// a processor could run it: 386 is not amd64. The engine's unknown platform may be any.
    pub fn serves(&self, other: &Self) -> bool {
        if self.is_native() || other.is_native() {
            return true;
        }
        self.os == other.os
            && self.architecture == other.architecture
            && match (self.level(), other.level()) {
                (Some(own), Some(other)) => own <= other,
                _ => self.variant == other.variant,
            }
    }

    /// The number of the variant.
    fn level(&self) -> Option<u32> {
        match (&self.variant, self.architecture.as_str()) {
            (Some(variant), _) => variant.strip_prefix('v').unwrap_or(variant).parse().ok(),
            // Normalisation removes these.
            (None, "amd64") => Some(1),
            (None, "arm64") => Some(8),
            (None, _) => None,
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
        if !parts.iter().all(wellformed) {
            return Err(invalid());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            // As containerd does, on Linux.
            [one] if is_architecture(one) => ("linux", *one, None),
            [one, variant] if is_architecture(one) && is_variant(variant) => {
                ("linux", *one, Some(variant))
            }
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some(variant)),
            _ => return Err(invalid()),
        };
        let architecture = architecture.to_ascii_lowercase();
        let variant = variant.map(|v| v.to_ascii_lowercase());
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("x86_64" | "x86-64" | "amd64", None | Some("v1")) => ("amd64".into(), None),
            ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64".into(), None),
            ("i386" | "386", None) => ("386".into(), None),
            ("armhf", None) | ("arm", None | Some("7")) => ("arm".into(), Some("v7".into())),
            ("armel", None) => ("arm".into(), Some("v6".into())),
            ("arm", Some("5" | "6" | "8")) => (architecture, variant.map(|v| format!("v{v}"))),
            _ => (architecture, variant),
        };
        Ok(Self { os: os.to_ascii_lowercase(), architecture, variant })
    }
}

/// `v7` and `7`, as in a platform without a system.
fn is_variant(name: &str) -> bool {
    name.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit())
}

fn is_architecture(name: &str) -> bool {
    let others = ["x86_64", "x86-64", "aarch64", "i386", "armhf", "armel"];
    ARCHITECTURES.iter().chain(&others).any(|known| known.eq_ignore_ascii_case(name))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            _ if self.is_native() => f.write_str(NATIVE),
            Some(variant) => write!(f, "{}/{}/{variant}", self.os, self.architecture),
            None => write!(f, "{}/{}", self.os, self.architecture),
        }
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
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/armel", "linux/arm/v6"),
            ("arm64", "linux/arm64"),
            ("arm/v6", "linux/arm/v6"),
            ("unknown/unknown", "unknown/unknown"),
        ] {
            assert_eq!(spelling.parse::<Platform>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn the_platform_of_the_engine_is_one_of_the_others_once_it_is_known() {
        let list = |names: &[&str]| -> Vec<Platform> {
            names.iter().map(|name| Platform::named(name).unwrap()).collect()
        };
        let engine = &list(&["linux/amd64"])[0];
        for (given, wanted) in [
            (&["native"][..], &["linux/amd64"][..]),
            (&["arm64", "native"], &["linux/arm64", "linux/amd64"]),
            (&["amd64", "native"], &["linux/amd64"]),
            (&["arm64"], &["linux/arm64"]),
        ] {
            assert_eq!(Platform::resolved(&list(given), engine), list(wanted), "{given:?}");
        }
        let native = Platform::native();
        assert_eq!((native.to_string(), native.short()), ("native".into(), "native".into()));
        assert!(native.serves(engine) && engine.serves(&native) && !native.is_linux());
    }

    #[test]
    fn native_platforms_are_not_emulated() {
        for (machine, native, emulated) in [
            (
                "x86_64",
                &["linux/amd64", "linux/amd64/v3", "linux/386"][..],
                &["linux/arm64", "linux/arm/v7", "windows/amd64", "linux/riscv64"][..],
            ),
            ("aarch64", &["linux/arm64", "linux/arm/v7", "linux/arm/v6"], &["linux/amd64"]),
            ("armv7l", &["linux/arm/v7", "linux/arm/v6"], &["linux/arm64", "linux/amd64"]),
            ("armv6l", &["linux/arm/v6", "linux/arm/v5"], &["linux/arm/v7"]),
            ("i686", &["linux/386"], &["linux/amd64"]),
            ("s390x", &["linux/s390x"], &["linux/amd64", "linux/arm64"]),
            ("ppc64le", &["linux/ppc64le"], &["linux/amd64"]),
            ("riscv64", &["linux/riscv64"], &["linux/arm64"]),
        ] {
            let machine = Platform::of_machine("linux", machine).unwrap();
            let runs = |name: &&&str| machine.runs_natively(&name.parse().unwrap());
            assert_eq!(native.iter().filter(runs).count(), native.len(), "{machine}");
            assert_eq!(emulated.iter().filter(runs).count(), 0, "{machine}");
        }
    }

    #[test]
    fn a_lower_variant_serves_a_higher_one_and_never_the_reverse() {
        for (own, other, wanted) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/arm/v6", "linux/arm/v7", true),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/amd64", "linux/amd64/v2", true),
            ("linux/amd64/v3", "linux/amd64/v2", false),
            ("linux/amd64/v2", "linux/amd64", false),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64/v9", "linux/arm64", false),
            ("linux/386", "linux/amd64", false),
            ("linux/arm/v7", "linux/arm64", false),
            ("windows/amd64", "linux/amd64", false),
            ("linux/mips64le/softfloat", "linux/mips64le/softfloat", true),
            ("linux/mips64le/hardfloat", "linux/mips64le/softfloat", false),
            ("linux/riscv64", "linux/riscv64", true),
        ] {
            let platform = |text: &str| text.parse::<Platform>().unwrap();
            assert_eq!(platform(own).serves(&platform(other)), wanted, "{own} for {other}");
        }
    }

    #[test]
    fn an_invalid_platform_is_an_error() {
        for text in [
            "",
            "linux",
            "native",
            "linux/",
            "/amd64",
            "linux/arm64/v8/x",
            "linux/a b",
            "linux/arm64\n",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text:?}");
        }
    }
}
