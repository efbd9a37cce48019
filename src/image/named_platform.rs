//! Platforms as people write them: in the matrix and in `--platform`.
//!
//! Other code reads platforms that images and engines report, which may be new; here an unknown name is
//! a typo.

use thiserror::Error;

use super::platform::{ARCHITECTURES, Platform};
use crate::error::nearest;

/// Systems with programs in images. Source: <https://github.com/containerd/platforms/blob/main/database.go>
/// and `go tool dist list`.
const SYSTEMS: [&str; 18] = [
    "linux",
    "windows",
    "darwin",
    "freebsd",
    "netbsd",
    "openbsd",
    "dragonfly",
    "solaris",
    "illumos",
    "aix",
    "plan9",
    "android",
    "ios",
    "js",
    "wasi",
    "wasip1",
    "hurd",
    "zos",
];

/// Other names of architectures, and what they mean in a platform.
const MEANT: [(&str, &str); 22] = [
    ("x64", "amd64"),
    ("amd64v8", "amd64"),
    ("x86", "386"),
    ("i486", "386"),
    ("i586", "386"),
    ("i686", "386"),
    ("arm64v8", "arm64"),
    ("armv8", "arm64"),
    ("arm32v5", "arm/v5"),
    ("arm32v6", "arm/v6"),
    ("arm32v7", "arm/v7"),
    ("armv5", "arm/v5"),
    ("armv6", "arm/v6"),
    ("armv6l", "arm/v6"),
    ("armv7", "arm/v7"),
    ("armv7l", "arm/v7"),
    ("riscv", "riscv64"),
    ("s390", "s390x"),
    ("ppc64el", "ppc64le"),
    ("powerpc64le", "ppc64le"),
    ("mips64el", "mips64le"),
    ("loongarch64", "loong64"),
];

/// The platforms that are suggested for a typo.
const USUAL: [&str; 18] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/arm/v5",
    "linux/386",
    "linux/ppc64le",
    "linux/s390x",
    "linux/riscv64",
    "linux/loong64",
    "linux/mips64le",
    "linux/amd64/v2",
    "linux/amd64/v3",
    "linux/amd64/v4",
    "windows/amd64",
    "windows/arm64",
    "darwin/amd64",
    "darwin/arm64",
];

/// Why a text names no platform.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{written}` is not a platform: {why}")]
pub struct UnknownPlatform {
    written: String,
    why: String,
}

impl Platform {
    /// The platform that a person names: `linux/amd64`, `amd64`, or `native` for that of the engine (in
    /// Docker's words `local`, or `linux` without an architecture).
    pub fn named(text: &str) -> Result<Self, UnknownPlatform> {
        let lower = text.to_ascii_lowercase();
        if ["native", "local", "linux"].contains(&lower.as_str()) {
            return Ok(Self::native());
        }
        let unknown = |why: String| UnknownPlatform { written: text.to_owned(), why };
        let meant = |why: String| match meant(&lower) {
            Some(meant) => unknown(format!("{why}; did you mean `{meant}`?")),
            None => unknown(why),
        };
        let Ok(platform) = text.parse::<Self>() else {
            let form = "write os/architecture[/variant], such as linux/arm64, or `native`";
            return Err(meant(form.to_owned()));
        };
        if !SYSTEMS.contains(&platform.os()) {
            return Err(meant(format!("there is no system `{}`", platform.os())));
        }
        if !ARCHITECTURES.contains(&platform.architecture()) {
            let architecture = platform.architecture();
            return Err(meant(format!("there is no architecture `{architecture}`")));
        }
        if let Some(variant) = platform.variant()
            && let Some(variants) = variants(platform.architecture())
            && !variants.contains(&variant)
        {
            let architecture = platform.architecture();
            // Those of extensions, such as v8.2, are known but rare.
            let usual = variants.iter().copied().filter(|variant| !variant.contains('.'));
            let variants = usual.collect::<Vec<_>>().join(", ");
            return Err(unknown(format!(
                "{architecture} has no variant `{variant}`; its variants are {variants}"
            )));
        }
        Ok(platform)
    }

    /// Several platforms in one string, as in a workflow of GitHub: separated by commas, blanks or line
    /// ends.
    pub fn list(text: &str) -> impl Iterator<Item = Result<Self, UnknownPlatform>> {
        let names = text.split(|c: char| c == ',' || c.is_whitespace());
        names.filter(|name| !name.is_empty()).map(Self::named)
    }
}

/// The variants of an architecture, as far as they are known. A variant that is not written is the lowest.
fn variants(architecture: &str) -> Option<&'static [&'static str]> {
    match architecture {
        "amd64" => Some(&["v1", "v2", "v3", "v4"]),
        "arm" => Some(&["v5", "v6", "v7", "v8"]),
        "arm64" => Some(&[
            "v8", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9", "v9",
            "v9.1", "v9.2", "v9.3", "v9.4", "v9.5", "v9.6",
        ]),
        _ => None,
    }
}

/// The platform that a typo was probably meant to be.
fn meant(lower: &str) -> Option<String> {
    let parts: Vec<&str> = lower.split(['/', '-', '_', ':', '.', ' ']).collect();
    let architecture = |name: &str| {
        let other = MEANT.iter().find(|(known, _)| *known == name).map(|(_, meant)| *meant);
        other.or_else(|| ARCHITECTURES.into_iter().find(|known| *known == name))
    };
    let system = |name: &str| match name {
        "macos" | "mac" | "osx" => Some("darwin"),
        "win" | "win64" => Some("windows"),
        name => SYSTEMS.into_iter().find(|known| *known == name),
    };
    let exact = match parts.as_slice() {
        [one] => architecture(one).map(|meant| format!("linux/{meant}")),
        [one, other, rest @ ..] if rest.len() < 2 => {
            let pair = |os: &str, of: &str| Some(format!("{}/{}", system(os)?, architecture(of)?));
            let pair = pair(one, other).or_else(|| pair(other, one));
            let variant = rest.first().map(|variant| format!("/{variant}")).unwrap_or_default();
            pair.map(|pair| pair + &variant)
        }
        _ => None,
    };
    let exact = exact.and_then(|name| name.parse::<Platform>().ok()).map(|one| one.to_string());
    let near = || {
        let whole = if lower.contains('/') { lower.to_owned() } else { format!("linux/{lower}") };
        let (os, rest) = whole.split_once('/')?;
        // Part by part: a short architecture differs in much of itself, but in little of the whole.
        let os = system(os).or_else(|| nearest(os, SYSTEMS))?;
        let usual = USUAL.into_iter().filter_map(|one| one.strip_prefix(os)?.strip_prefix('/'));
        let of = architecture(rest).or_else(|| nearest(rest, usual.collect::<Vec<_>>()))?;
        Some(format!("{os}/{of}"))
    };
    exact.or_else(near).filter(|meant| Platform::named(meant).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_named_as_docker_and_the_display_name_it() {
        for (text, wanted) in [
            ("linux/amd64", "linux/amd64"),
            ("amd64", "linux/amd64"),
            ("x86_64", "linux/amd64"),
            ("arm64", "linux/arm64"),
            ("aarch64", "linux/arm64"),
            ("ARM64", "linux/arm64"),
            ("arm", "linux/arm/v7"),
            ("armhf", "linux/arm/v7"),
            ("arm/v6", "linux/arm/v6"),
            ("linux/arm/6", "linux/arm/v6"),
            ("arm64/v9", "linux/arm64/v9"),
            ("amd64/v3", "linux/amd64/v3"),
            ("386", "linux/386"),
            ("riscv64", "linux/riscv64"),
            ("s390x", "linux/s390x"),
            ("windows/amd64", "windows/amd64"),
            ("darwin/arm64", "darwin/arm64"),
            ("wasi/wasm", "wasi/wasm"),
            ("linux/mips64le/softfloat", "linux/mips64le/softfloat"),
            ("native", "native"),
            ("Native", "native"),
            ("local", "native"),
            ("linux", "native"),
        ] {
            let found = Platform::named(text).map(|platform| platform.to_string());
            assert_eq!(found.as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn an_unknown_platform_gets_the_nearest_one() {
        for (text, why, meant) in [
            ("linux/amd65", "no architecture `amd65`", Some("linux/amd64")),
            ("amd65", "write os/architecture", Some("linux/amd64")),
            ("linux/arm46", "no architecture `arm46`", Some("linux/arm64")),
            ("amd64/linux", "no system `amd64`", Some("linux/amd64")),
            ("arm64/linux", "no system `arm64`", Some("linux/arm64")),
            ("linus/amd64", "no system `linus`", Some("linux/amd64")),
            ("linx/arm64", "no system `linx`", Some("linux/arm64")),
            ("linux-amd64", "write os/architecture", Some("linux/amd64")),
            ("linux_arm64", "write os/architecture", Some("linux/arm64")),
            ("linux/x64", "no architecture `x64`", Some("linux/amd64")),
            ("linux/armv7", "no architecture `armv7`", Some("linux/arm/v7")),
            ("linux/armv7l", "no architecture", Some("linux/arm/v7")),
            ("armv7", "write os/architecture", Some("linux/arm/v7")),
            ("linux/arm64v8", "no architecture `arm64v8`", Some("linux/arm64")),
            ("linux/ppc64el", "no architecture", Some("linux/ppc64le")),
            ("linux/riscv", "no architecture", Some("linux/riscv64")),
            ("linux/i686", "no architecture", Some("linux/386")),
            ("macos/arm64", "no system `macos`", Some("darwin/arm64")),
            ("window/amd64", "no system", Some("windows/amd64")),
            ("linux/arm64/v99", "no variant `v99`; its variants are v8", None),
            ("linux/arm/v64", "no variant `v64`; its variants are v5, v6, v7, v8", None),
            ("linux/amd64/x", "no variant `x`; its variants are v1", None),
            ("linux/amd64/v2/x", "write os/architecture", Some("linux/amd64/v2")),
            ("linux/", "write os/architecture", None),
            ("/amd64", "write os/architecture", None),
            ("", "write os/architecture", None),
            ("all", "write os/architecture", None),
            ("linux/<%arch%>", "write os/architecture", None),
            ("ubuntu/22.04", "no system `ubuntu`", None),
        ] {
            let error = Platform::named(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a platform: ")), "{error}");
            assert!(error.contains(why), "{text}: {error}");
            let given = error.split_once("did you mean `").map(|(_, rest)| rest);
            assert_eq!(given, meant.map(|meant| format!("{meant}`?")).as_deref(), "{error}");
        }
    }

    #[test]
    fn a_string_may_name_several_platforms() {
        for text in [
            "linux/amd64,linux/arm64",
            "linux/amd64, linux/arm64",
            "linux/amd64 linux/arm64",
            "linux/amd64\nlinux/arm64\n",
            " linux/amd64 ,\r\n\tlinux/arm64,",
            "amd64,arm64",
        ] {
            let found: Vec<String> =
                Platform::list(text).map(|one| one.unwrap().to_string()).collect();
            assert_eq!(found, ["linux/amd64", "linux/arm64"], "{text:?}");
        }
        assert_eq!(Platform::list(" , \n").count(), 0);
        let errors = Platform::list("x, linux/amd64, linux/arm46").filter_map(Result::err);
        assert_eq!(errors.count(), 2);
    }
}
