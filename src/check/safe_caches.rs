//! Caches that platforms and systems can share, since their tools tell apart what is in them.

/// What a cache needs to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Their tools lock it, but not against other containers.
    Locked,
}

/// The end of the path of a cache, what it needs, and where its tool says why it can be shared.
const CACHES: [(&str, Needs, &str); 39] = [
    // Packages and lists have the architecture and the archive in their names.
    (
        "/var/cache/apt",
        Needs::Locked,
        "https://docs.docker.com/reference/dockerfile/#example-cache-apt-packages",
    ),
    (
        "/var/lib/apt",
        Needs::Locked,
        "https://docs.docker.com/reference/dockerfile/#example-cache-apt-packages",
    ),
    // A package's name in it ends with a part of its checksum.
    ("/var/cache/apk", Needs::Nothing, "https://wiki.alpinelinux.org/wiki/Local_APK_cache"),
    ("/etc/apk/cache", Needs::Nothing, "https://wiki.alpinelinux.org/wiki/Local_APK_cache"),
    // A repository's directory ends with a checksum of its address, which names the architecture.
    ("/var/cache/dnf", Needs::Locked, "https://dnf.readthedocs.io/en/latest/conf_ref.html"),
    ("/var/cache/yum", Needs::Locked, "https://man7.org/linux/man-pages/man5/yum.conf.5.html"),
    (
        "/var/cache/libdnf5",
        Needs::Locked,
        "https://dnf5.readthedocs.io/en/latest/misc/caching.7.html",
    ),
    // Wheels are kept by their tags, which name the platform.
    ("/.cache/pip", Needs::Nothing, "https://pip.pypa.io/en/stable/topics/caching/"),
    (
        "/.cache/pypoetry/cache",
        Needs::Nothing,
        "https://python-poetry.org/docs/configuration/#cache-dir",
    ),
    ("/.cache/uv", Needs::Nothing, "https://docs.astral.sh/uv/concepts/cache/"),
    (
        "/.cache/pypoetry/artifacts",
        Needs::Nothing,
        "https://python-poetry.org/docs/configuration/#cache-dir",
    ),
    // By their content.
    ("/.npm", Needs::Nothing, "https://docs.npmjs.com/cli/commands/npm-cache"),
    ("/.npm/_cacache", Needs::Nothing, "https://docs.npmjs.com/cli/commands/npm-cache"),
    ("/.cache/yarn", Needs::Nothing, "https://classic.yarnpkg.com/en/docs/cli/cache"),
    ("/.yarn/cache", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/.yarn/berry", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/.yarn/berry/cache", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/pnpm/store", Needs::Nothing, "https://pnpm.io/docker"),
    ("/.pnpm-store", Needs::Nothing, "https://pnpm.io/docker"),
    ("/.bun/install/cache", Needs::Nothing, "https://bun.sh/docs/install/cache"),
    // The key of a result holds the platform that it is for; modules are sources.
    ("/.cache/go-build", Needs::Nothing, "https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching"),
    ("/go/pkg/mod", Needs::Nothing, "https://go.dev/ref/mod#module-cache"),
    ("/go/pkg", Needs::Nothing, "https://go.dev/ref/mod#module-cache"),
    // Sources, under a lock of Cargo's own. Its target directories are another thing.
    ("/cargo/registry", Needs::Nothing, "https://doc.rust-lang.org/cargo/guide/cargo-home.html"),
    (
        "/cargo/registry/cache",
        Needs::Nothing,
        "https://doc.rust-lang.org/cargo/guide/cargo-home.html",
    ),
    (
        "/cargo/registry/index",
        Needs::Nothing,
        "https://doc.rust-lang.org/cargo/guide/cargo-home.html",
    ),
    ("/cargo/git", Needs::Nothing, "https://doc.rust-lang.org/cargo/guide/cargo-home.html"),
    ("/cargo/git/db", Needs::Nothing, "https://doc.rust-lang.org/cargo/guide/cargo-home.html"),
    // Results are kept by a checksum of the sources, the options and the compiler.
    ("/ccache", Needs::Nothing, "https://ccache.dev/manual/latest.html#_how_ccache_works"),
    ("/.cache/ccache", Needs::Nothing, "https://ccache.dev/manual/latest.html#_how_ccache_works"),
    ("/sccache", Needs::Nothing, "https://github.com/mozilla/sccache/blob/main/docs/Caching.md"),
    (
        "/.cache/sccache",
        Needs::Nothing,
        "https://github.com/mozilla/sccache/blob/main/docs/Caching.md",
    ),
    ("/.cache/composer", Needs::Nothing, "https://getcomposer.org/doc/06-config.md#cache-dir"),
    ("/.composer/cache", Needs::Nothing, "https://getcomposer.org/doc/06-config.md#cache-dir"),
    // By coordinates, which name the platform where it matters.
    ("/.m2", Needs::Locked, "https://maven.apache.org/resolver/local-repository.html"),
    ("/.m2/repository", Needs::Locked, "https://maven.apache.org/resolver/local-repository.html"),
    (
        "/.gradle",
        Needs::Locked,
        "https://docs.gradle.org/current/userguide/dependency_caching.html",
    ),
    (
        "/.gradle/caches",
        Needs::Locked,
        "https://docs.gradle.org/current/userguide/dependency_caching.html",
    ),
    (
        "/.nuget/packages",
        Needs::Nothing,
        "https://learn.microsoft.com/nuget/consume-packages/managing-the-global-packages-and-cache-folders",
    ),
];

/// Whether a cache that is mounted there can be shared, and what is missing where it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    Safely,
    /// With `sharing=locked` it could be.
    Unlocked,
    Unsafely,
}

/// `target` is clean: without `.`, `..` and double slashes.
pub(super) fn shared(target: &str, is_locked: bool) -> Shared {
    let dotted = target.replace("/.cargo/", "/cargo/").replace("/.ccache", "/ccache");
    let inside = |path: &str| {
        // Also directories within those of the package managers.
        let within = path.starts_with("/var/") || path.starts_with("/etc/");
        dotted.ends_with(path) || (within && dotted.starts_with(&format!("{path}/")))
    };
    match CACHES.iter().find(|(path, ..)| inside(path)) {
        Some((_, Needs::Locked, _)) if !is_locked => Shared::Unlocked,
        Some(_) => Shared::Safely,
        None => Shared::Unsafely,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_of_tools_that_tell_platforms_apart_are_safe() {
        for (target, locked, wanted) in [
            ("/var/cache/apt", true, Shared::Safely),
            ("/var/cache/apt", false, Shared::Unlocked),
            ("/var/cache/apt/archives", false, Shared::Unlocked),
            ("/var/lib/apt/lists", true, Shared::Safely),
            ("/var/cache/apk", false, Shared::Safely),
            ("/root/.cache/pip", false, Shared::Safely),
            ("/home/app/.cache/pip", false, Shared::Safely),
            ("/root/.cache/pypoetry", false, Shared::Unsafely),
            ("/root/.npm", false, Shared::Safely),
            ("/usr/local/share/.cache/yarn", false, Shared::Safely),
            ("/pnpm/store", false, Shared::Safely),
            ("/root/.local/share/pnpm/store", false, Shared::Safely),
            ("/root/.cache/go-build", false, Shared::Safely),
            ("/go/pkg/mod", false, Shared::Safely),
            ("/usr/local/cargo/registry", false, Shared::Safely),
            ("/root/.cargo/git", false, Shared::Safely),
            ("/root/.ccache", false, Shared::Safely),
            ("/sccache", false, Shared::Safely),
            ("/root/.m2", false, Shared::Unlocked),
            ("/app/target", false, Shared::Unsafely),
            ("/app/target", true, Shared::Unsafely),
            ("/build", false, Shared::Unsafely),
            ("/root/.cache", false, Shared::Unsafely),
            ("/app/node_modules", false, Shared::Unsafely),
        ] {
            assert_eq!(shared(target, locked), wanted, "{target} {locked}");
        }
        assert!(CACHES.iter().all(|(.., source)| source.starts_with("https://")));
    }
}
