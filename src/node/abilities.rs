//! What an engine can do: from its version, and from the store in which it keeps images. Pure.
//!
//! `docs/engines.md` shows the same as a table; a test compares both.

use super::facts::{NodeFacts, Product, Store};
use crate::docker::EngineVersion;

/// Docker Engine 26.0 and its API version. Its BuildKit (0.13) is the first that supports a list of
/// exporters.
///
/// Source: <https://docs.docker.com/reference/api/engine/#api-version-matrix>
const MINIMUM: (u32, &str) = (26, "26.0");
const MINIMUM_API: ((u32, u32), &str) = ((1, 45), "1.45");

/// The BuildKit of that engine.
const MINIMUM_BUILDKIT: ((u32, u32), &str) = ((0, 13), "0.13");

/// BuildKit's own checks of Dockerfiles came with BuildKit 0.14, in Docker Engine 27.0.
const LINT: (u32, &str) = (27, "27.0");
const LINT_API: (u32, u32) = (1, 46);
const LINT_BUILDKIT: ((u32, u32), &str) = ((0, 14), "0.14");

/// What a build may need, and not every engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ability {
    Push,
    /// Several platforms in one image.
    Platforms,
    /// `--output type=oci` and `type=docker`.
    Archives,
    Annotations,
    /// `--provenance`.
    Attestations,
    /// Caches of other types than `inline`.
    Caches,
    /// `oci-layout://` as a named context.
    Layouts,
    /// BuildKit's own checks of Dockerfiles: in `lint`, and as warnings of a build.
    Lint,
}

impl NodeFacts {
    /// Whether this node has `ability`.
    pub(crate) fn has(&self, ability: Ability) -> bool {
        match ability {
            Ability::Lint => self.has_lint,
            // For its older store, Docker Engine gives BuildKit only the exporters of that store and of
            // files, the inline cache, and no content store that a client could fill.
            Ability::Push
            | Ability::Platforms
            | Ability::Archives
            | Ability::Annotations
            | Ability::Attestations
            | Ability::Caches
            | Ability::Layouts => self.store != Store::Docker,
        }
    }

    /// Which product has BuildKit's own checks, if this one does not.
    pub(crate) fn without_lint(&self) -> Option<String> {
        (!self.has(Ability::Lint)).then(|| self.lacks_lint())
    }

    /// The same if BuildKit itself said so.
    pub(crate) fn lacks_lint(&self) -> String {
        let newer = match self.product {
            Product::DockerEngine => format!("Docker Engine {}", LINT.1),
            Product::Buildkitd => format!("buildkitd {}", LINT_BUILDKIT.1),
        };
        format!("{} does not have them ({newer} and newer do)", self.name())
    }
}

/// How to use Podman's machine.
const WITH_PODMAN: &str = "start a buildkitd in Podman (podman run --detach --privileged --name buildkitd \
     docker.io/moby/buildkit) and use it with --host podman-container://buildkitd";

/// Why an engine cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// Why this engine cannot be used, or `None`. `endpoint` is its address.
///
/// The API version decides. The engine's version string is used only if the API version is unknown,
/// because distributions and developers change that string.
pub(crate) fn unusable(found: &EngineVersion, endpoint: &str) -> Option<Unusable> {
    let EngineVersion { version, api, is_podman } = found;
    let named = |name: &str| [name, version].join(" ").trim().to_owned();
    if *is_podman {
        return Some(Unusable {
            message: format!("{} answers at {endpoint}, but it has no BuildKit", named("Podman")),
            help: format!(
                "{WITH_PODMAN}; or start Docker Engine {} or newer, or select one with --host \
                 unix:///path/to/docker.sock",
                MINIMUM.1
            ),
        });
    }
    is_older(found, MINIMUM_API.0, MINIMUM.0).then(|| Unusable {
        message: format!(
            "the engine at {endpoint} is too old: it is {}{}, but onebuild needs {} or newer (API {})",
            named("Docker Engine"),
            if api.is_empty() { String::new() } else { format!(" (API {api})") },
            MINIMUM.1,
            MINIMUM_API.1
        ),
        help: "update Docker on the engine's machine (https://docs.docker.com/engine/install/), or \
               select another engine with --host"
            .to_owned(),
    })
}

/// Whether BuildKit in this engine can check Dockerfiles.
pub(crate) fn has_lint(found: &EngineVersion) -> bool {
    !is_older(found, LINT_API, LINT.0)
}

/// Whether this engine serves BuildKit's gRPC interface on its own socket: since 29.2. Its API
/// version, 1.53, deprecates the upgrade of `POST /grpc`.
///
/// Source: <https://docs.docker.com/engine/release-notes/29/>
pub(crate) fn has_grpc(found: &EngineVersion) -> bool {
    !is_older(found, (1, 53), 30)
}

/// The same for a buildkitd: BuildKit 0.13 is the oldest.
pub(crate) fn unusable_buildkitd(version: &str, address: &str) -> Option<Unusable> {
    let is_older = is_older_buildkit(version, MINIMUM_BUILDKIT.0);
    is_older.then(|| Unusable {
        message: format!(
            "the buildkitd at {address} is too old: it is {version}, but onebuild needs {} or newer",
            MINIMUM_BUILDKIT.1
        ),
        help: "update its image or its package (https://github.com/moby/buildkit/releases), or select \
               another engine with --host"
            .to_owned(),
    })
}

/// Whether this buildkitd can check Dockerfiles.
pub(crate) fn buildkitd_has_lint(version: &str) -> bool {
    !is_older_buildkit(version, LINT_BUILDKIT.0)
}

/// Builds without a release number, such as `v0.0.0+unknown`, are not older.
fn is_older_buildkit(version: &str, minimum: (u32, u32)) -> bool {
    match numbers(version) {
        Some((0, Some(0))) | None => false,
        Some((major, minor)) => (major, minor.unwrap_or(0)) < minimum,
    }
}

/// Whether an engine is older than this API version and this major version.
fn is_older(found: &EngineVersion, api: (u32, u32), engine: u32) -> bool {
    match (numbers(&found.api), numbers(&found.version)) {
        (Some((major, Some(minor))), _) => (major, minor) < api,
        (_, Some((major, _))) => major < engine,
        // Neither can be parsed. What is built is still checked.
        (_, None) => false,
    }
}

/// The first two numbers of a version: 28 and 5 of `28.5.2+dfsg4`.
fn numbers(version: &str) -> Option<(u32, Option<u32>)> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+', '~']);
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_version_decides_whether_an_engine_is_too_old() {
        for (version, api, usable) in [
            ("20.10.24+dfsg1", "1.41", false),
            ("23.0.6", "1.42", false),
            ("24.0.7-ce", "1.43", false),
            ("25.0.5", "1.44", false),
            ("26.0.0", "1.45", true),
            ("26.1.5+dfsg1", "1.45", true),
            ("27.5.1", "1.47", true),
            ("28.5.2+dfsg4", "1.51", true),
            ("29.0.0-rc.1", "1.52", true),
            ("30.0.0", "2.0", true),
            // The version string says nothing, or is wrong.
            ("dev", "1.51", true),
            ("dev", "1.43", false),
            ("0.0.0-20240101", "1.47", true),
            ("v24.0.7", "1.47", true),
            ("", "1.44", false),
            // No API version, or one that cannot be parsed.
            ("20.10.24+dfsg1", "", false),
            ("v25.0.5", "", false),
            ("25", "", false),
            ("29.0.0-rc.1", "", true),
            ("24.0.7-ce", "new", false),
            ("dev", "", true),
            ("", "", true),
        ] {
            let found =
                EngineVersion { version: version.into(), api: api.into(), is_podman: false };
            let obstacle = unusable(&found, "unix:///x.sock");
            assert_eq!(obstacle.is_none(), usable, "{version} {api}");
            assert_eq!(has_lint(&found), usable && !version.starts_with("26."), "{version} {api}");
            if let Some(Unusable { message, help }) = obstacle {
                for part in [version, api, "unix:///x.sock", "26.0", "1.45"] {
                    assert!(message.contains(part), "{part}: {message}");
                }
                assert!(!message.contains("  ") && !message.contains("()"), "{message}");
                assert!(help.contains("update Docker"), "{help}");
            }
        }
    }

    #[test]
    fn any_version_of_podman_is_rejected_by_name() {
        for (version, named) in
            [("4.3.1", "Podman 4.3.1 answers at x"), ("", "Podman answers at x")]
        {
            let found =
                EngineVersion { version: version.into(), api: "1.99".into(), is_podman: true };
            let Unusable { message, help } = unusable(&found, "x").unwrap();
            assert!(message.contains(named) && message.contains("no BuildKit"), "{message}");
            for part in ["Docker Engine 26.0", "podman run", "--host podman-container://buildkitd"]
            {
                assert!(help.contains(part), "{help}");
            }
        }
    }

    #[test]
    fn engines_from_29_2_serve_grpc_on_their_socket() {
        for (version, api, has) in [
            ("28.5.2", "1.51", false),
            ("29.1.0", "1.52", false),
            ("29.2.0", "1.53", true),
            ("dev", "1.54", true),
            ("29.2.0", "", false),
            ("30.0.0", "", true),
        ] {
            let found =
                EngineVersion { version: version.into(), api: api.into(), is_podman: false };
            assert_eq!(has_grpc(&found), has, "{version} {api}");
        }
    }

    #[test]
    fn the_version_of_a_buildkitd_decides_whether_it_is_too_old() {
        for (version, usable, lint) in [
            ("v0.12.5", false, false),
            ("v0.13.0", true, false),
            ("v0.14.0-rc1", true, true),
            ("v0.32.2", true, true),
            ("0.11", false, false),
            ("v1.0.0", true, true),
            // Debian's, and a build of a developer.
            ("v0.0.0+unknown", true, true),
            ("", true, true),
            ("dev", true, true),
        ] {
            let unusable = unusable_buildkitd(version, "buildkit+unix:///x");
            assert_eq!(unusable.is_none(), usable, "{version}");
            assert_eq!(buildkitd_has_lint(version), lint, "{version}");
            if let Some(Unusable { message, .. }) = unusable {
                assert!(message.contains(version) && message.contains("0.13"), "{message}");
            }
        }
    }
}
