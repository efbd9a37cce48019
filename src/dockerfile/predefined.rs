//! Arguments that need no `ARG`, and those that BuildKit gives values of its own.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#predefined-args> and
//! <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>

/// Those to which BuildKit gives a value for each platform and stage. A stage sees them after an
/// `ARG`, and `FROM` without one.
pub const PLATFORM_ARGS: [&str; 11] = [
    "BUILDARCH",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "TARGETARCH",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETPLATFORM",
    "TARGETSTAGE",
    "TARGETVARIANT",
];

/// Those that every `RUN` sees where they are given, also in lower case.
pub const PROXY_ARGS: [&str; 5] =
    ["ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// Those that the frontend reads itself.
const FRONTEND_ARGS: [&str; 11] = [
    "BUILDKIT_BUILD_NAME",
    "BUILDKIT_CACHE_MOUNT_NS",
    "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
    "BUILDKIT_DOCKERFILE_CHECK",
    "BUILDKIT_INLINE_CACHE",
    "BUILDKIT_MULTI_PLATFORM",
    "BUILDKIT_SANDBOX_HOSTNAME",
    "BUILDKIT_SBOM_SCAN_CONTEXT",
    "BUILDKIT_SBOM_SCAN_STAGE",
    "BUILDKIT_SYNTAX",
    "SOURCE_DATE_EPOCH",
];

/// Whether an argument has a meaning without any `ARG`: for the steps, as the proxies have, or for
/// the frontend.
pub fn is_predefined(name: &str) -> bool {
    let is_proxy = |known: &&str| *known == name || known.to_ascii_lowercase() == name;
    PROXY_ARGS.iter().any(is_proxy) || FRONTEND_ARGS.contains(&name)
}

/// What a variable of the platform is: `linux/arm/v7` has the architecture `arm` and the variant `v7`.
pub(super) fn part(platform: &crate::image::Platform, name: &str) -> Option<String> {
    let text = platform.to_string();
    let mut parts = text.split('/');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    let (os, architecture, variant) = (next(), next(), next());
    Some(match name {
        "PLATFORM" => text,
        "OS" => os,
        "ARCH" => architecture,
        "VARIANT" => variant,
        "OSVERSION" => String::new(),
        _ => return None,
    })
}
