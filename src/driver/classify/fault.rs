//! Derives what a registry did from BuildKit's error message. Pure.

use http::StatusCode;

use crate::failure::{RegistryFault, Role};
use crate::image::Reference;

/// The registry's fault that the message describes.
///
/// The registry's own error codes come first: since BuildKit 0.24 they replace the HTTP status. The
/// first phrase that matches decides, so the order matters: one message may contain several phrases.
pub(crate) fn registry_fault(image: &Reference, said: &str, with_login: bool) -> RegistryFault {
    let login = || RegistryFault::Unauthorized { with_login };
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
    let is_token = has(&["failed to authorize", "oauth token", "anonymous token", "scope=repo"]);
    let fault = if let Some(fault) = own_words(said, with_login) {
        fault
    } else if has(&["toomanyrequests", "429 Too Many"]) {
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
    } else if is_token && has(&["400 Bad Request", "403 Forbidden"]) {
        // Token servers reject a login in many ways.
        login()
    } else if has(&["denied: ", "403 Forbidden", "access denied"]) {
        RegistryFault::Denied { with_login }
    } else if has(&["no match for platform"]) {
        RegistryFault::NoPlatform
    } else if has(&["could not fetch content descriptor"]) {
        RegistryFault::Malformed("a manifest that refers to missing content".to_owned())
    } else if has(&["name unknown: ", "manifest unknown: ", "404 Not Found"]) {
        RegistryFault::NotFound
    } else if has(&["digest invalid: ", "got digest ", "unexpected digest ", "commit digest "]) {
        RegistryFault::OtherDigest { found: None }
    } else if let Some(status) = status(said) {
        of_status(status)
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
            let role = if is_token { Role::TokenServer } else { Role::Redirect };
            on_the_way(host, role, fault)
        }
        _ => fault,
    }
}

/// The registry's error code, and its message if that differs from the usual one for the code. Newer
/// versions of BuildKit report only these. Codes that BuildKit does not know become `unknown`; then
/// only the message, in the registry's own wording, gives the cause.
///
/// Source: <https://github.com/containerd/containerd/blob/main/core/remotes/docker/errcode.go>
fn own_words(said: &str, with_login: bool) -> Option<RegistryFault> {
    let code = |part: &str| match part {
        "unauthorized" => Some(RegistryFault::Unauthorized { with_login }),
        "denied" => Some(RegistryFault::Denied { with_login }),
        "toomanyrequests" => Some(RegistryFault::RateLimited { wait: None }),
        // The registry, or a proxy in front of it, may say the status in its message.
        "unavailable" => Some(of_status(status(said).unwrap_or(503))),
        "unknown" => {
            let message = said.split_once("unknown: ").map_or("", |(_, message)| message);
            let has = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
            Some(
                if has(&["not known", "not exist", "not found", "not_found", "manifest unknown"]) {
                    RegistryFault::NotFound
                } else if has(&["digest did not match", "digest invalid"]) {
                    RegistryFault::OtherDigest { found: None }
                } else {
                    status(message).map_or(RegistryFault::Unexplained, of_status)
                },
            )
        }
        _ => None,
    };
    // Several errors are on separate lines, after a line with their count.
    said.split([':', '\n']).find_map(|part| code(part.trim()))
}

fn of_status(status: u16) -> RegistryFault {
    RegistryFault::Status { status: Some(status), errors: Vec::new() }
}

fn on_the_way(host: &str, role: Role, fault: RegistryFault) -> RegistryFault {
    RegistryFault::OnTheWay { host: host.to_owned(), role, fault: Box::new(fault) }
}

/// Errors of Go's network stack.
fn network_fault(said: &str) -> RegistryFault {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| said.contains(phrase));
    let is_lookup = has(&["dial tcp: lookup "]);
    if has(&["no such host", "server misbehaving", "Temporary failure in name"])
        || is_lookup && has(&["connection refused"])
    {
        RegistryFault::UnknownHost
    } else if has(&["connection refused"]) {
        RegistryFault::ConnectionRefused
    } else if has(&[
        "i/o timeout",
        "deadline exceeded",
        "no route to host",
        "network is unreachable",
        "handshake timeout",
        "Client.Timeout exceeded",
    ]) {
        RegistryFault::TimedOut
    } else if has(&[
        "server gave HTTP response to HTTPS client",
        "first record does not look like a TLS handshake",
    ]) {
        RegistryFault::PlainHttp
    } else if has(&["x509: "]) {
        RegistryFault::Tls(String::new())
    } else if let Some((_, reason)) = said.split_once("tls: ") {
        RegistryFault::Tls(reason.to_owned())
    } else if has(&["connection reset", "broken pipe", "GOAWAY", "stream error: ", "short read"])
        || said.ends_with("EOF")
    {
        RegistryFault::ConnectionLost
    } else {
        RegistryFault::Unexplained
    }
}

/// The status in `unexpected status from PUT request to https://…: 500 Internal Server Error`.
///
/// Go has its own words for one of them: <https://github.com/golang/go/blob/master/src/net/http/status.go>
pub(crate) fn status(said: &str) -> Option<u16> {
    const OF_GO: &str = "Request Entity Too Large";
    said.split([':', '\n']).find_map(|part| {
        let part = part.trim_start();
        let (code, reason) = part.split_once(' ')?;
        let code = StatusCode::from_bytes(code.as_bytes()).ok()?;
        let known = code.canonical_reason().is_some_and(|known| reason.starts_with(known))
            || code == StatusCode::PAYLOAD_TOO_LARGE && reason.starts_with(OF_GO);
        (known && code.as_u16() >= 400).then(|| code.as_u16())
    })
}

/// The host of the last URL in the message, which is the one that failed.
pub(crate) fn asked_host(said: &str) -> Option<&str> {
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
        "docker.io" => is_docker_hub(host),
        own => own == host,
    }
}

pub(crate) fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}
