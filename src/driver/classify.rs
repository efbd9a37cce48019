//! BuildKit's messages, classified: what failed, when, and what a person needs to know of it.
//!
//! BuildKit wraps what its libraries say in what each layer of them was about to do. What a person
//! needs is the last cause and the host that it came from; the whole text is kept beside it. The
//! phrases are BuildKit's and containerd's. Those of the supported engines are recorded in
//! `tests/fixtures/phrases`, and a test fails when an engine says something else.

use http::StatusCode;

use crate::failure::{Kind, Phase, RegistryFault, Request, Role};
use crate::image::Reference;

/// What a message of BuildKit means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Classified {
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// BuildKit's own text, where `message` does not hold it.
    pub(super) verbatim: Option<String>,
}

const PULLING: &str = "failed to resolve source metadata for ";
const PUSHING: &str = "failed to push ";

/// The registry that asked for a login, with or without one.
pub(super) fn login_host(message: &str) -> Option<String> {
    let (_, image, said) = registry_message(message)?;
    let fault = registry_fault(&image, said, false);
    let is_login =
        matches!(fault, RegistryFault::Unauthorized { .. } | RegistryFault::Denied { .. });
    is_login.then(|| image.repository.host().to_owned())
}

/// Classifies `message`. `had_login` says whether there was a login for [`login_host`], `instruction`
/// is the one that failed.
pub(super) fn classify(message: &str, had_login: bool, instruction: Option<&str>) -> Classified {
    let plain = unwrapped(message);
    let mut found = match registry_message(message) {
        Some((phase, image, said)) => {
            let fault = registry_fault(&image, said, had_login);
            of_registry(phase, image, fault, said)
        }
        None => missing_source(plain, instruction).unwrap_or_else(|| other(plain)),
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
            Some(format!("is the stage `{stage}` meant?{other}"))
        }
        (None, help) => help,
    };
    let message = match fault {
        RegistryFault::Unexplained => String::new(),
        _ => fault.sentence(&request),
    };
    Classified { phase, message, help, kind: Kind::Registry { image, fault }, verbatim: None }
}

/// Pulling or pushing which image, and what was said of it.
fn registry_message(message: &str) -> Option<(Phase, Reference, &str)> {
    let (phase, rest) = [(Phase::Pull, PULLING), (Phase::Push, PUSHING)]
        .into_iter()
        .find_map(|(phase, head)| Some((phase, message.split_once(head)?.1)))?;
    let (image, said) = rest.split_once(": ")?;
    Some((phase, image.parse().ok()?, said))
}

/// What the text says that a registry did.
///
/// A registry's own words come before everything else: since BuildKit 0.24 they stand in place of
/// the status. The first phrase that fits decides, as an earlier one may be said in the words of a
/// later one.
fn registry_fault(image: &Reference, said: &str, with_login: bool) -> RegistryFault {
    let login = || RegistryFault::Unauthorized { with_login };
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
    let fault = if has(&["toomanyrequests", "429 Too Many"]) {
        RegistryFault::RateLimited { wait: None }
    } else if has(&["proxyconnect "]) {
        return on_the_way(dialed(said).unwrap_or("it"), Role::Proxy, network_fault(said));
    } else if has(&["Proxy Authentication Required"]) {
        RegistryFault::TunnelRefused
    } else if has(&[
        "unauthorized: ",
        "401 Unauth",
        "no basic auth",
        "authorization failed",
        "insufficient_scope",
        "access denied, repository does not exist or may require authorization",
    ]) {
        login()
    } else if has(&["denied: ", "403 Forbidden", "access denied"]) {
        RegistryFault::Denied { with_login }
    } else if has(&["no match for platform"]) {
        RegistryFault::NoPlatform
    } else if has(&["name unknown: ", "manifest unknown: ", "404 Not Found"]) {
        RegistryFault::NotFound
    } else if has(&["digest invalid: ", "got digest ", "unexpected digest "]) {
        RegistryFault::OtherDigest { found: None }
    } else if let Some(status) = status(said) {
        RegistryFault::Status { status: Some(status), errors: Vec::new() }
    } else if has(&["unavailable: "]) {
        RegistryFault::Status { status: Some(503), errors: Vec::new() }
    } else {
        match network_fault(said) {
            RegistryFault::Unexplained if said.ends_with("not found") => RegistryFault::NotFound,
            RegistryFault::Unexplained if said.contains("not found (did you mean ") => {
                RegistryFault::NotFound
            }
            fault => fault,
        }
    };
    match asked_host(said) {
        Some(host) if !is_registry(image, host) && fault.is_of_the_host() => {
            let role = match has(&["failed to authorize", "oauth token", "anonymous token"]) {
                true => Role::TokenServer,
                false => Role::Redirect,
            };
            on_the_way(host, role, fault)
        }
        _ => fault,
    }
}

fn on_the_way(host: &str, role: Role, fault: RegistryFault) -> RegistryFault {
    RegistryFault::OnTheWay { host: host.to_owned(), role, fault: Box::new(fault) }
}

/// What Go's network stack says.
fn network_fault(said: &str) -> RegistryFault {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
    if has(&["connection refused"]) {
        RegistryFault::ConnectionRefused
    } else if has(&["no such host", "server misbehaving", "Temporary failure in name"]) {
        RegistryFault::UnknownHost
    } else if has(&[
        "i/o timeout",
        "deadline exceeded",
        "no route to host",
        "network is unreachable",
        "handshake timeout",
        "Client.Timeout exceeded",
    ]) {
        RegistryFault::TimedOut
    } else if has(&["server gave HTTP response to HTTPS client"]) {
        RegistryFault::PlainHttp
    } else if has(&["x509: "]) {
        RegistryFault::Tls(String::new())
    } else if let Some((_, reason)) = said.split_once("tls: ") {
        RegistryFault::Tls(reason.to_owned())
    } else if has(&["connection reset", "broken pipe", "GOAWAY", "stream error: "])
        || said.ends_with("EOF")
    {
        RegistryFault::ConnectionLost
    } else {
        RegistryFault::Unexplained
    }
}

/// The status in `unexpected status from PUT request to https://…: 500 Internal Server Error`.
fn status(said: &str) -> Option<u16> {
    said.split(": ").find_map(|part| {
        let (code, reason) = part.split_once(' ')?;
        let code = StatusCode::from_bytes(code.as_bytes()).ok()?;
        let known = code.canonical_reason().is_some_and(|known| reason.starts_with(known));
        (known && code.as_u16() >= 400).then(|| code.as_u16())
    })
}

/// The host of the last URL in the text, which is the one that failed.
fn asked_host(said: &str) -> Option<&str> {
    let url = said.rsplit_once("://")?.1;
    let end = url.find(['/', '"', ' ', '?']).unwrap_or(url.len());
    Some(url[..end].rsplit('@').next().unwrap_or_default()).filter(|host| !host.is_empty())
}

/// The address in `dial tcp 10.0.0.1:3128: connect: …` or `lookup proxy.example: …`.
fn dialed(said: &str) -> Option<&str> {
    let after = said.rsplit_once("lookup ").or_else(|| said.rsplit_once("dial tcp "))?.1;
    let (address, _) = after.split_once(": ")?;
    address.split(' ').next()
}

fn is_registry(image: &Reference, host: &str) -> bool {
    match image.repository.host() {
        "docker.io" => matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io"),
        own => own == host,
    }
}

/// What COPY or ADD did not find: `failed to calculate checksum of ref …: "/x": not found`.
fn missing_source(plain: &str, instruction: Option<&str>) -> Option<Classified> {
    let (_, rest) = plain.split_once("failed to calculate checksum of ref ")?;
    let path = rest.strip_suffix(": not found")?.rsplit_once(": ")?.1;
    let path = path.trim_matches('"').trim_start_matches('/');
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

fn other(plain: &str) -> Classified {
    let found = |kind: Kind, help: &str| Classified {
        kind,
        help: (!help.is_empty()).then(|| help.to_owned()),
        ..Classified::default()
    };
    if plain.ends_with("network.host is not allowed") {
        let message = "RUN --network=host wants the network of the engine's machine".to_owned();
        return Classified { message, ..found(Kind::Dockerfile, "allow it: --network host") };
    }
    if plain.contains("no space left on device") {
        let help = "free space on the engine's machine: docker builder prune, docker image prune";
        return found(Kind::EngineDiskFull, help);
    }
    if plain.contains("exec format error") {
        return found(Kind::Dockerfile, NO_EMULATOR);
    }
    let of_dockerfile = [
        "unknown instruction: ",
        "failed to parse ",
        "dockerfile parse error",
        "unknown flag: ",
        "target stage ",
        "file with no instructions",
        "circular dependency",
    ];
    match of_dockerfile.iter().any(|phrase| plain.to_ascii_lowercase().contains(phrase)) {
        true => found(Kind::Dockerfile, ""),
        false => Classified::default(),
    }
}

/// For a command that says `exec format error`.
pub(super) const NO_EMULATOR: &str = "what it runs is made for another platform: choose a base \
     image of this one, or register QEMU on the engine's machine";

/// BuildKit's message without the wrapping that says nothing to a person.
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
    // The place is shown beside it, and in the template's own count of lines.
    if let Some((line, inner)) =
        rest.strip_prefix("dockerfile parse error on line ").and_then(|r| r.split_once(": "))
        && line.bytes().all(|c| c.is_ascii_digit())
    {
        rest = inner;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_that_says_nothing_is_left_out() {
        for (given, wanted) in [
            ("failed to solve: a: b", "a: b"),
            (
                "dockerfile parse error on line 3: unknown instruction: FORM",
                "unknown instruction: FORM",
            ),
            ("dockerfile parse error on line x: y", "dockerfile parse error on line x: y"),
            ("rpc error: code = Aborted desc = c/p: it is a pipe", "c/p: it is a pipe"),
            (
                "failed to solve: failed to read dockerfile: open Dockerfile: no such file",
                "open Dockerfile: no such file",
            ),
            ("plain", "plain"),
        ] {
            assert_eq!(unwrapped(given), wanted);
        }
    }

    #[test]
    fn the_last_cause_and_its_host_are_named() {
        let push = |said: &str| format!("failed to solve: failed to push r.example/a:b: {said}");
        let pull = |said: &str| {
            format!("a: failed to resolve source metadata for docker.io/library/a:1: {said}")
        };
        for (message, had_login, wanted) in [
            (pull("docker.io/library/a:1: not found"), false, "a:1 does not exist on docker.io"),
            (
                pull("429 Too Many Requests - toomanyrequests: not found"),
                false,
                "docker.io is rate limiting us",
            ),
            (
                pull(
                    "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
                ),
                false,
                "a:1 does not exist on docker.io, or is private: not logged in",
            ),
            (
                pull(
                    "failed to authorize: failed to fetch anonymous token: Get \"https://auth.docker.io/token?scope=x\": dial tcp: lookup auth.docker.io on 127.0.0.53:53: no such host",
                ),
                false,
                "the token server of docker.io: the host name of auth.docker.io does not resolve",
            ),
            (
                pull("no match for platform in manifest: not found"),
                false,
                "a:1 on docker.io has no image for this platform",
            ),
            (
                push(
                    "failed to do request: Head \"https://r.example/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                ),
                false,
                "push failed: r.example refused the connection",
            ),
            (
                push(
                    "unexpected status from POST request to https://r.example/v2/a/blobs/uploads/: 401 Unauthorized",
                ),
                true,
                "push failed: r.example rejected the login",
            ),
            (
                push("push access denied, repository does not exist or may require authorization"),
                false,
                "push failed: not logged in to r.example",
            ),
            (
                push("unauthorized: authentication required"),
                false,
                "push failed: not logged in to r.example",
            ),
            (
                push("denied: requested access to the resource is denied"),
                true,
                "push failed: r.example denied access to r.example/a",
            ),
            (
                push("name unknown: repository name not known to registry"),
                true,
                "push failed: repository r.example/a does not exist",
            ),
            (
                push(
                    "unexpected status from PUT request to https://r.example/v2/a/manifests/b: 500 Internal Server Error",
                ),
                true,
                "push failed: r.example answered 500 Internal Server Error",
            ),
            (
                push("failed to copy: failed to do request: Put \"https://r.example/v2/a\": EOF"),
                true,
                "push failed: the connection to r.example was lost",
            ),
            (
                push(
                    "failed to do request: Head \"https://r.example/v2/\": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
                ),
                true,
                "push failed: the proxy for r.example: 10.0.0.9:3128 refused the connection",
            ),
            (
                push(
                    "failed to do request: Put \"https://store.example/x?sig=1\": dial tcp: lookup store.example: no such host",
                ),
                true,
                "push failed: a request to r.example was sent on to store.example: the host name of store.example does not resolve",
            ),
            (
                push(
                    "failed to do request: Head \"https://r.example/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
                ),
                true,
                "push failed: the TLS certificate of r.example is not trusted",
            ),
        ] {
            let found = classify(&message, had_login, None);
            assert!(found.message.starts_with(wanted), "{}", found.message);
            assert!(found.verbatim.is_some(), "{found:?}");
        }
        let odd = classify("odd", false, None);
        assert_eq!(odd, Classified { message: "odd".into(), ..Classified::default() });
    }

    #[test]
    fn what_is_not_explained_stays_as_it_was_said() {
        let found = classify("failed to push r.example/a:b: the moon is full", false, None);
        assert_eq!(found.message, "failed to push r.example/a:b: the moon is full");
        let unexplained =
            matches!(found.kind, Kind::Registry { fault: RegistryFault::Unexplained, .. });
        assert!(unexplained && found.phase == Phase::Push, "{found:?}");
    }

    #[test]
    fn a_status_is_a_number_with_its_reason() {
        for (said, wanted) in [
            ("unexpected status from PUT request to https://r/v2/: 502 Bad Gateway", Some(502)),
            ("x: 413 Request Entity Too Large: body", None),
            ("x: 413 Payload Too Large", Some(413)),
            ("x: 200 OK", None),
            ("dial tcp 127.0.0.1:500: connect", None),
            ("line 404 Not Found", None),
        ] {
            assert_eq!(status(said), wanted, "{said}");
        }
    }

    #[test]
    fn a_source_that_is_missing_is_looked_for_where_the_instruction_does() {
        let message = "failed to compute cache key: failed to calculate checksum of ref a::b: \"/x y\": not found";
        let given = |instruction| classify(message, false, Some(instruction)).message;
        assert_eq!(given("COPY x /"), "the build context has no x y");
        assert_eq!(given("COPY --from=tools x /"), "`tools` has no x y");
    }

    #[test]
    fn the_host_that_wants_a_login_is_named() {
        let message = "failed to push 127.0.0.1:1/a:b: unexpected status: 401 Unauthorized";
        assert_eq!(login_host(message).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(login_host("failed to push 127.0.0.1:1/a:b: connection refused"), None);
    }
}
