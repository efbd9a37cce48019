//! Arguments that need no `ARG`, and those that BuildKit sets itself.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/#predefined-args> and
//! <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>

/// The arguments that BuildKit sets for each platform and stage. They are visible in a stage after
/// an `ARG`, and in `FROM` without one.
pub(crate) const PLATFORM_ARGS: [&str; 11] = [
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

/// The arguments that every `RUN` sees if they are given, also in lower case.
pub(crate) const PROXY_ARGS: [&str; 5] =
    ["ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// The arguments that the frontend reads itself.
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

/// Whether an argument has an effect without any `ARG`: on the steps, like the proxies, or on the
/// frontend.
pub(crate) fn is_predefined(name: &str) -> bool {
    let is_proxy = |known: &&str| *known == name || known.to_ascii_lowercase() == name;
    PROXY_ARGS.iter().any(is_proxy) || FRONTEND_ARGS.contains(&name)
}

/// The parts of a platform for its variables: `linux/arm/v7` has the architecture `arm` and the
/// variant `v7`.
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

    /// The value for a name without `TARGET` or `BUILD`.
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
