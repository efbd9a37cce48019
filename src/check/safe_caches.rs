//! Caches that platforms and systems can share, because their tools separate the content.

/// The condition for sharing a cache safely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Their tools lock it, but not against other containers.
    Locked,
}

/// The end of the path of a cache, its condition, and documentation of the tool.
const CACHES: [(&str, Needs, &str); 40] = [
    // The names of packages and lists contain the architecture and the archive.
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
    // File names end with a part of the package's checksum.
    ("/var/cache/apk", Needs::Nothing, "https://wiki.alpinelinux.org/wiki/Local_APK_cache"),
    ("/etc/apk/cache", Needs::Nothing, "https://wiki.alpinelinux.org/wiki/Local_APK_cache"),
    // The directory of a repository ends with a checksum of its URL, which contains the
    // architecture.
    ("/var/cache/dnf", Needs::Locked, "https://dnf.readthedocs.io/en/latest/conf_ref.html"),
    ("/var/cache/yum", Needs::Locked, "https://man7.org/linux/man-pages/man5/yum.conf.5.html"),
    (
        "/var/cache/libdnf5",
        Needs::Locked,
        "https://dnf5.readthedocs.io/en/latest/misc/caching.7.html",
    ),
    // The file name of a package ends with its architecture.
    ("/var/cache/pacman", Needs::Locked, "https://man.archlinux.org/man/pacman.8"),
    // Wheels are stored by their tags, which contain the platform.
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
    // Content-addressed.
    ("/.npm", Needs::Nothing, "https://docs.npmjs.com/cli/commands/npm-cache"),
    ("/.npm/_cacache", Needs::Nothing, "https://docs.npmjs.com/cli/commands/npm-cache"),
    ("/.cache/yarn", Needs::Nothing, "https://classic.yarnpkg.com/en/docs/cli/cache"),
    ("/.yarn/cache", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/.yarn/berry", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/.yarn/berry/cache", Needs::Nothing, "https://yarnpkg.com/features/caching"),
    ("/pnpm/store", Needs::Nothing, "https://pnpm.io/docker"),
    ("/.pnpm-store", Needs::Nothing, "https://pnpm.io/docker"),
    ("/.bun/install/cache", Needs::Nothing, "https://bun.sh/docs/install/cache"),
    // The key of a result contains its platform; modules are sources.
    ("/.cache/go-build", Needs::Nothing, "https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching"),
    ("/go/pkg/mod", Needs::Nothing, "https://go.dev/ref/mod#module-cache"),
    ("/go/pkg", Needs::Nothing, "https://go.dev/ref/mod#module-cache"),
    // Sources, under a lock of Cargo. Its target directories are not safe.
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
    // Results are stored by a checksum of the sources, the options and the compiler.
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
    // Stored by coordinates, which contain the platform if necessary.
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

/// The variables that set the path of such a cache.
const SETTINGS: [(&str, Needs, &str); 13] = [
    ("BUN_INSTALL_CACHE_DIR", Needs::Nothing, "https://bun.sh/docs/install/cache"),
    ("CCACHE_DIR", Needs::Nothing, "https://ccache.dev/manual/latest.html#config_cache_dir"),
    ("COMPOSER_CACHE_DIR", Needs::Nothing, "https://getcomposer.org/doc/03-cli.md"),
    ("GOCACHE", Needs::Nothing, "https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching"),
    ("GOMODCACHE", Needs::Nothing, "https://go.dev/ref/mod#module-cache"),
    (
        "GRADLE_USER_HOME",
        Needs::Locked,
        "https://docs.gradle.org/current/userguide/dependency_caching.html",
    ),
    ("NPM_CONFIG_CACHE", Needs::Nothing, "https://docs.npmjs.com/cli/using-npm/config#cache"),
    ("npm_config_cache", Needs::Nothing, "https://docs.npmjs.com/cli/using-npm/config#cache"),
    ("NUGET_PACKAGES", Needs::Nothing, "https://learn.microsoft.com/nuget"),
    ("PIP_CACHE_DIR", Needs::Nothing, "https://pip.pypa.io/en/stable/topics/caching/"),
    (
        "SCCACHE_DIR",
        Needs::Nothing,
        "https://github.com/mozilla/sccache/blob/main/docs/Configuration.md",
    ),
    ("UV_CACHE_DIR", Needs::Nothing, "https://docs.astral.sh/uv/concepts/cache/"),
    ("YARN_CACHE_FOLDER", Needs::Nothing, "https://classic.yarnpkg.com/en/docs/cli/cache"),
];

/// Caches with unspecific paths, and the program that uses them. The image `composer` sets
/// `COMPOSER_HOME=/tmp`.
const OF_PROGRAMS: [(&str, &str, &str); 1] =
    [("/tmp/cache", "composer", "https://docs.docker.com/guides/php/containerize/")];

/// Whether a cache can be shared, and what is missing if not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    Safely,
    /// It would be safe with `sharing=locked`.
    Unlocked,
    Unsafely,
}

/// A cache mount of a step.
pub(super) struct Cache<'a> {
    /// Normalised: without `.`, `..` and double slashes.
    pub(super) target: &'a str,
    pub(super) is_locked: bool,
    /// The command of the step.
    pub(super) step: &'a str,
    pub(super) dockerfile: &'a str,
}

pub(super) fn shared(cache: &Cache<'_>) -> Shared {
    let target = cache.target;
    let dotted = target.replace("/.cargo/", "/cargo/").replace("/.ccache", "/ccache");
    let inside = |path: &str| {
        // Includes directories inside those of the package managers.
        let within = path.starts_with("/var/") || path.starts_with("/etc/");
        dotted.ends_with(path) || (within && dotted.starts_with(&format!("{path}/")))
    };
    let by_path = CACHES.iter().find(|(path, ..)| inside(path)).map(|(_, needs, _)| *needs);
    let by_setting = || {
        let mut settings = SETTINGS.iter();
        settings
            .find(|(name, ..)| is_set(cache.dockerfile, name, target))
            .map(|(_, needs, _)| *needs)
    };
    let by_program = || {
        let mut programs = OF_PROGRAMS.iter();
        let found = programs.find(|(path, name, _)| *path == target && cache.step.contains(name));
        found.map(|_| Needs::Nothing)
    };
    match by_path.or_else(by_setting).or_else(by_program) {
        Some(Needs::Locked) if !cache.is_locked => Shared::Unlocked,
        Some(_) => Shared::Safely,
        None => Shared::Unsafely,
    }
}

/// Whether an instruction or a command sets a variable to a path.
fn is_set(dockerfile: &str, name: &str, path: &str) -> bool {
    let continues = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    dockerfile.match_indices(name).any(|(at, _)| {
        let value = dockerfile[at + name.len()..].strip_prefix(['=', ' ']);
        let after =
            value.and_then(|value| value.trim_start_matches(['"', '\'']).strip_prefix(path));
        let is_whole = !dockerfile[..at].ends_with(continues);
        is_whole
            && !path.is_empty()
            && after.is_some_and(|after| {
                !after.strip_prefix('/').unwrap_or(after).starts_with(continues)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_of_tools_that_separate_platforms_are_safe() {
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
            let cache = Cache { target, is_locked: locked, step: "x", dockerfile: "FROM a\n" };
            assert_eq!(shared(&cache), wanted, "{target} {locked}");
        }
        let sources = CACHES.iter().chain(&SETTINGS).map(|(.., source)| *source);
        let mut sources = sources.chain(OF_PROGRAMS.iter().map(|(.., source)| *source));
        assert!(sources.all(|source| source.starts_with("https://")));
    }

    #[test]
    fn a_cache_with_another_path_is_recognised_by_its_variable() {
        for (target, dockerfile, wanted) in [
            ("/opt/pip", "ENV PIP_CACHE_DIR=/opt/pip\n", Shared::Safely),
            ("/opt/pip", "ENV PIP_CACHE_DIR /opt/pip/\n", Shared::Safely),
            ("/opt/pip", "ENV A=1 PIP_CACHE_DIR=\"/opt/pip\"\n", Shared::Safely),
            ("/c", "RUN --mount=type=cache,target=/c GOCACHE=/c go build\n", Shared::Safely),
            ("/c", "RUN npm_config_cache=/c npm ci\n", Shared::Safely),
            ("/c", "ENV GRADLE_USER_HOME=/c\n", Shared::Unlocked),
            ("/opt", "ENV PIP_CACHE_DIR=/opt/pip\n", Shared::Unsafely),
            ("/opt/pip", "ENV NO_PIP_CACHE_DIR=/opt/pip\n", Shared::Unsafely),
            ("/opt/pip", "ENV BUILD_DIR=/opt/pip\n", Shared::Unsafely),
            // The path is unknown, or it is `/`.
            ("", "ENV PIP_CACHE_DIR=\"$DIR\"\n", Shared::Unsafely),
        ] {
            let cache = Cache { target, is_locked: false, step: "x", dockerfile };
            assert_eq!(shared(&cache), wanted, "{target} {dockerfile}");
        }
        for (step, wanted) in
            [("composer install --no-dev", Shared::Safely), ("make", Shared::Unsafely)]
        {
            let cache = Cache { target: "/tmp/cache", is_locked: false, step, dockerfile: "" };
            assert_eq!(shared(&cache), wanted, "{step}");
        }
    }
}
