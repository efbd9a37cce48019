//! Classifies BuildKit's error messages: what failed, when, and what to do about it.
//!
//! BuildKit wraps an error once in each layer. A user needs the last cause and the host that it came
//! from; the full message is stored in `verbatim`. The phrases come from BuildKit and containerd. Those
//! of the supported engines are recorded in `tests/fixtures/phrases`, and a test fails when an engine
//! uses a different one.

mod fault;

use crate::buildkit::HEADERS;
use crate::failure::{Kind, Phase, RegistryFault, Request};
use crate::image::Reference;
use fault::{asked_host, is_docker_hub, registry_fault};

/// The meaning of a BuildKit error message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Classified {
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// BuildKit's own message, if it differs from `message`.
    pub(crate) verbatim: Option<String>,
}

const PULLING: &str = "failed to resolve source metadata for ";
const PUSHING: &str = "failed to push ";

/// The registry that rejected the request because of the login or because there was none.
pub(crate) fn login_host(message: &str) -> Option<String> {
    let (_, image, said) = registry_message(message).or_else(|| transfer(message, None))?;
    let fault = registry_fault(&image, said, false);
    let is_login =
        matches!(fault, RegistryFault::Unauthorized { .. } | RegistryFault::Denied { .. });
    is_login.then(|| image.repository.host().to_owned())
}

/// The step that failed, as far as it is known.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FailedStep<'a> {
    /// `COPY --from=tools /x /`
    pub(crate) instruction: Option<&'a str>,
    /// The base image of its stage.
    pub(crate) base: Option<&'a str>,
}

/// Classifies `message`. `had_login` is whether there was a login for [`login_host`].
pub(crate) fn classify(message: &str, had_login: bool, step: FailedStep<'_>) -> Classified {
    let plain = unwrapped(message);
    let mut found = match registry_message(message).or_else(|| transfer(plain, step.base)) {
        Some((phase, image, said)) => match registry_fault(&image, said, had_login) {
            // The error does not come from the registry.
            RegistryFault::Unexplained if phase == Phase::Pull && is_disk_full(plain) => {
                disk_full()
            }
            fault => of_registry(phase, image, fault, said),
        },
        None => missing_source(plain, step.instruction).unwrap_or_else(|| other(plain)),
    };
    if found.message.is_empty() {
        plain.clone_into(&mut found.message);
    } else if found.message != plain {
        found.verbatim = Some(plain.to_owned());
    }
    found
}

fn of_registry(phase: Phase, image: Reference, fault: RegistryFault, said: &str) -> Classified {
    let host = image.repository.host();
    let request = Request { host, phase, image: &image, by_engine: true };
    let stage = said.split_once("(did you mean ").and_then(|(_, rest)| rest.split_once("?)"));
    let help = match (stage, fault.help(&request)) {
        (Some((stage, _)), help) => {
            let other = help.as_deref().and_then(|help| help.split_once(", or ")).map(|(_, o)| o);
            let other = other.map(|other| format!(" Or {other}")).unwrap_or_default();
            Some(format!("did you mean the stage `{stage}`?{other}"))
        }
        (None, help) => help,
    };
    let message = match fault {
        RegistryFault::Unexplained => String::new(),
        _ => fault.sentence(&request),
    };
    Classified { phase, message, help, kind: Kind::Registry { image, fault }, verbatim: None }
}

/// The phase, the image and the error of a pull or a push.
fn registry_message(message: &str) -> Option<(Phase, Reference, &str)> {
    let (phase, rest) = [(Phase::Pull, PULLING), (Phase::Push, PUSHING)]
        .into_iter()
        .find_map(|(phase, head)| Some((phase, message.split_once(head)?.1)))?;
    let (image, said) = rest.split_once(": ")?;
    Some((phase, image.parse().ok()?, said))
}

/// The same for messages without the name of an image: those of a base image download or a cache
/// upload. The URL of the request contains the name. Without a URL, the base image is meant.
fn transfer<'m>(plain: &'m str, base: Option<&str>) -> Option<(Phase, Reference, &'m str)> {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| plain.contains(phrase));
    let of_base = || {
        let image: Reference = base?.parse().ok()?;
        // BuildKit added the digest.
        let digest = image.digest.clone().filter(|_| image.tag.is_none());
        Some(Reference { digest, ..image })
    };
    let asked = asked_repository(plain);
    if has(&["error writing "]) {
        return Some((Phase::Push, asked?, plain));
    }
    if !has(&[
        "httpReadSeeker: ",
        "short read: ",
        "failed to read expected number of bytes",
        "failed commit on ref ",
    ]) {
        return None;
    }
    let image = match (of_base(), asked) {
        (Some(base), Some(asked)) if base.repository != asked.repository => asked,
        (Some(base), _) => base,
        (None, asked) => asked?,
    };
    Some((Phase::Pull, image, plain))
}

/// The repository in `https://registry-1.docker.io/v2/library/alpine/blobs/sha256:…`.
fn asked_repository(said: &str) -> Option<Reference> {
    let host = asked_host(said)?;
    let (_, path) = said.rsplit_once("://")?.1.split_once("/v2/")?;
    let end = [path.find("/blobs/"), path.find("/manifests/")].into_iter().flatten().min()?;
    let host = if is_docker_hub(host) { "docker.io" } else { host };
    format!("{host}/{}", &path[..end]).parse().ok()
}

/// A missing source of COPY or ADD: `failed to calculate checksum of ref …: "/x": not found`.
fn missing_source(plain: &str, instruction: Option<&str>) -> Option<Classified> {
    let (_, rest) = plain.split_once("failed to calculate checksum of ref ")?;
    let path = match rest.strip_suffix(": not found") {
        Some(rest) => rest.rsplit_once(": ")?.1.trim_matches('"').trim_start_matches('/'),
        None => missing_directory(rest, instruction)?,
    };
    let from = instruction.and_then(|text| text.split("--from=").nth(1)?.split(' ').next());
    let (kind, message, help) = match from {
        Some(stage) => (Kind::Dockerfile, format!("`{stage}` has no {path}"), None),
        None => (
            Kind::Context,
            format!("the build context has no {path}"),
            Some("check the name, and that .dockerignore does not exclude it".to_owned()),
        ),
    };
    Some(Classified { kind, message, help, ..Classified::default() })
}

/// The same if not even its directory exists, of BuildKit before 0.14: `failed to walk …/buildkit-mount1/x: lstat
/// …: no such file or directory`. The message names the first directory that is missing, the instruction the
/// whole path.
fn missing_directory<'t>(rest: &'t str, instruction: Option<&'t str>) -> Option<&'t str> {
    let (_, rest) =
        rest.strip_suffix(": no such file or directory")?.rsplit_once("/buildkit-mount")?;
    let path = rest.split_once('/')?.1;
    let whole = instruction.unwrap_or_default().split_whitespace().find_map(|word| {
        let word = word.trim_start_matches("./").trim_start_matches('/');
        word.strip_prefix(path).filter(|rest| rest.starts_with('/')).map(|_| word)
    });
    Some(whole.unwrap_or(path))
}

fn other(plain: &str) -> Classified {
    let found = |kind: Kind, help: &str| Classified {
        kind,
        help: (!help.is_empty()).then(|| help.to_owned()),
        ..Classified::default()
    };
    if plain.ends_with("network.host is not allowed") {
        let message = "RUN --network=host needs the network of the engine's machine".to_owned();
        return Classified { message, ..found(Kind::Dockerfile, "allow it: --network host") };
    }
    if let Some((_, entitlement)) = plain.split_once("granting entitlement ") {
        let name = if entitlement.starts_with("network.host") {
            "network-host"
        } else {
            "security-insecure"
        };
        let help = format!(
            "set \"builder\": {{\"Entitlements\": {{\"{name}\": true}}}} in the engine's daemon.json"
        );
        return found(Kind::Dockerfile, &help);
    }
    if plain.contains("header list size to send violates the maximum size") {
        let message = format!(
            "the patterns of .dockerignore and the paths in COPY and ADD are longer than {} MiB",
            HEADERS >> 20
        );
        return Classified { message, ..found(Kind::Context, FEWER_PATTERNS) };
    }
    if is_disk_full(plain) {
        return disk_full();
    }
    // The containerd image store, when two builds create a tag at the same moment.
    if plain.contains("image \"") && plain.ends_with("\": already exists") {
        let message = "another build created the same tag at the same moment".to_owned();
        return Classified { message, ..found(Kind::TagConflict, "build it again") };
    }
    // A step that was cancelled at the end, in the containerd image store. It fails in every build until then.
    if plain.contains("failed to stat active key during commit: snapshot ") {
        let message = "the engine's build cache lost the result of this step".to_owned();
        let help = "build it without the cache: --no-cache";
        return Classified { message, ..found(Kind::DamagedCache, help) };
    }
    if plain.contains("exec format error") {
        return found(Kind::Dockerfile, NO_EMULATOR);
    }
    if plain.contains("unknown flag: ") || plain.contains("unexpected key '") {
        return found(Kind::Dockerfile, NEWER_SYNTAX);
    }
    let of_dockerfile = [
        "unknown instruction: ",
        "failed to parse ",
        "dockerfile parse error",
        "target stage ",
        "file with no instructions",
        "circular dependency",
    ];
    match of_dockerfile.iter().any(|phrase| plain.to_ascii_lowercase().contains(phrase)) {
        true => found(Kind::Dockerfile, ""),
        false => Classified::default(),
    }
}

/// Whether the engine's disk is full. Write errors on this machine are detected elsewhere and never
/// get here.
pub(crate) fn is_disk_full(plain: &str) -> bool {
    plain.contains("no space left on device") || plain.contains("disk quota exceeded")
}

fn disk_full() -> Classified {
    Classified {
        kind: Kind::EngineDiskFull,
        message: "the engine's disk is full".to_owned(),
        help: Some(FREE_ENGINE.to_owned()),
        ..Classified::default()
    }
}

pub(crate) const FREE_ENGINE: &str =
    "free space on the engine's machine: docker builder prune, docker image prune";

/// For headers that are too long: BuildKit sends all patterns and paths in them when it requests a
/// context.
const FEWER_PATTERNS: &str = "write fewer patterns in .dockerignore (a directory instead of its files), \
     or copy directories instead of single files";

/// For a flag or an option that the engine's Dockerfile frontend does not know.
const NEWER_SYNTAX: &str = "check the spelling; if the engine is older than this syntax, write \
     `# syntax=docker/dockerfile:1` as the first line of the Dockerfile";

/// For a command that fails with `exec format error`.
pub(crate) const NO_EMULATOR: &str = "the program is built for another platform: use a base image \
     for this platform, or register QEMU on the engine's machine";

/// BuildKit's message without the prefixes that do not help a user.
fn unwrapped(message: &str) -> &str {
    const WRAPPING: &[&str] = &[
        "failed to solve: ",
        "failed to solve with frontend dockerfile.v0: ",
        "failed to read dockerfile: ",
        "failed to create LLB definition: ",
        "error from sender: ",
        "failed to compute cache key: ",
        "failed to load cache key: ",
    ];
    let mut rest = message.trim();
    loop {
        let code = rest.strip_prefix("rpc error: code = ").and_then(|r| r.split_once(" desc = "));
        let inner = WRAPPING.iter().find_map(|wrapping| rest.strip_prefix(wrapping));
        match inner.or(code.map(|(_, inner)| inner)) {
            Some(inner) => rest = inner,
            None => break,
        }
    }
    // The location is shown separately, with the line of the template.
    if let Some((line, inner)) =
        rest.strip_prefix("dockerfile parse error on line ").and_then(|r| r.split_once(": "))
        && line.bytes().all(|c| c.is_ascii_digit())
    {
        rest = inner;
    }
    rest
}

#[cfg(test)]
mod tests;
