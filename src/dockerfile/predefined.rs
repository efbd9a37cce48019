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

/// What the variables of a platform are: `linux/arm/v7` has the architecture `arm` and the variant `v7`.
pub(super) struct Parts {
    platform: String,
    os: String,
    architecture: String,
    variant: String,
}

impl Parts {
    pub(super) fn of(platform: &crate::image::Platform) -> Self {
        let platform = platform.to_string();
        let mut parts = platform.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (os, architecture, variant) = (next(), next(), next());
        Self { platform, os, architecture, variant }
    }

    /// By what follows `TARGET` or `BUILD`.
    pub(super) fn get(&self, name: &str) -> &str {
        match name {
            "PLATFORM" => &self.platform,
            "OS" => &self.os,
            "ARCH" => &self.architecture,
            "VARIANT" => &self.variant,
            // `OSVERSION`, which only Windows has.
            _ => "",
        }
    }
}
