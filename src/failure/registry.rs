//! What a registry did instead of answering a request, as a type and as messages.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::phase::Phase;
use crate::image::{Digest, Reference};

/// What went wrong between a registry and its client (BuildKit or onebuild).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryFault {
    /// 401. `with_login` says whether a login was sent.
    Unauthorized {
        with_login: bool,
    },
    /// 401 for a login that the registry accepts again now.
    TokenExpired,
    /// 403, or a 401 that says that the login lacks permission.
    Denied {
        with_login: bool,
    },
    /// 404, or a name that the registry does not know.
    NotFound,
    /// 429, with the value of `Retry-After`.
    RateLimited {
        wait: Option<Duration>,
    },
    /// Any other error status; `None` if only its class is known: a server error.
    Status {
        status: Option<u16>,
        errors: Vec<ApiError>,
    },
    ConnectionRefused,
    /// The proxy refused to open a connection to the registry.
    TunnelRefused,
    /// Reset, or closed before the answer was complete.
    ConnectionLost,
    UnknownHost,
    /// No answer in time, or no route.
    TimedOut,
    /// The registry accepted a request, but did not answer within our time limit.
    Silent {
        after: Duration,
    },
    /// The certificate is not trusted, or TLS failed in another way. The reason may be empty.
    Tls(String),
    /// It does not speak TLS.
    PlainHttp,
    /// This machine has no certificate authorities.
    NoAuthorities,
    InvalidHost,
    /// The registry has the image, but not for the platform.
    NoPlatform,
    /// The content that it has or sent has another digest.
    OtherDigest {
        found: Option<Digest>,
    },
    /// It sent more bytes than the limit.
    TooLarge {
        limit: usize,
    },
    /// It violated the protocol: `a manifest without a digest`.
    Malformed(String),
    /// It names a token server without TLS, which would receive the login in plain text.
    UnsafeTokenServer,
    /// Too many redirects, or a redirect to a URL without TLS.
    UnsafeRedirect,
    /// Not the registry but an intermediate host failed.
    OnTheWay {
        host: String,
        role: Role,
        fault: Box<RegistryFault>,
    },
    /// BuildKit's message does not say why.
    Unexplained,
    /// The login could not be looked up on this machine.
    Credentials {
        reason: String,
        help: String,
    },
}

/// A host between a client and a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Proxy,
    /// A storage server that the registry redirects to, or a mirror.
    Redirect,
    TokenServer,
}

/// One entry of a registry's error envelope, without control characters.
///
/// Codes: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub code: String,
    pub message: String,
}

/// Who sent a failed request, and its subject.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub host: &'a str,
    pub phase: Phase,
    pub image: &'a Reference,
    /// The engine sent it, possibly from another machine.
    pub by_engine: bool,
}

impl RegistryFault {
    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::TokenExpired
            | Self::TimedOut
            | Self::Silent { .. }
            | Self::ConnectionLost
            | Self::ConnectionRefused => true,
            Self::Status { status: None, .. } => true,
            Self::Status { status: Some(status), .. } => {
                matches!(status, 408 | 425 | 500 | 502 | 503 | 504 | 522)
            }
            Self::OnTheWay { fault, .. } => fault.is_temporary(),
            _ => false,
        }
    }

    /// Whether the fault concerns the host, not only this request.
    pub fn is_of_the_host(&self) -> bool {
        let broken = matches!(
            self,
            Self::UnknownHost | Self::TunnelRefused | Self::Tls(_) | Self::PlainHttp
        );
        broken || self.is_temporary()
    }

    /// What happened, in one sentence: `push failed: not logged in to ghcr.io`.
    pub fn sentence(&self, request: &Request<'_>) -> String {
        let what = self.cause(request);
        match request.phase {
            Phase::Push => format!("push failed: {what}"),
            Phase::Verify => format!("the push could not be verified: {what}"),
            Phase::Pull | Phase::Build | Phase::SmokeTest => what,
        }
    }

    /// The cause alone, without the phase: `not logged in to ghcr.io`.
    pub fn cause(&self, request: &Request<'_>) -> String {
        let Request { host, phase, image, .. } = *request;
        let (name, repository) = (image.short(), image.repository.familiar());
        match self {
            Self::Unauthorized { with_login: false } if phase == Phase::Pull => {
                format!("{name} does not exist on {host}, or is private: not logged in to {host}")
            }
            Self::Unauthorized { with_login: false } => format!("not logged in to {host}"),
            Self::Unauthorized { with_login: true } => format!("{host} rejected the login"),
            Self::TokenExpired => format!("the token for {host} expired"),
            Self::Denied { .. } if phase == Phase::Pull => {
                format!("{host} denied access to {name} (403 Forbidden)")
            }
            Self::Denied { .. } => format!("{host} denied access to {repository} (403 Forbidden)"),
            Self::NotFound if phase == Phase::Push => {
                format!("repository {repository} does not exist on {host}")
            }
            Self::NotFound => format!("{name} does not exist on {host}"),
            Self::RateLimited { wait: None } => {
                format!("{host} is rate limiting us (429 Too Many Requests)")
            }
            Self::RateLimited { wait: Some(wait) } => {
                let seconds = wait.as_secs();
                format!(
                    "{host} is rate limiting us (429 Too Many Requests, retry after {seconds} s)"
                )
            }
            Self::Status { status: None, .. } => format!("{host} returned a server error (5xx)"),
            Self::Status { status: Some(status), errors } => {
                let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let said =
                    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
                format!("{host} answered {}{said}", status_line(*status))
            }
            Self::ConnectionRefused => format!("{host} refused the connection"),
            Self::TunnelRefused => format!("{host} refused to open a connection"),
            Self::ConnectionLost => format!("the connection to {host} was lost"),
            Self::UnknownHost => format!("the host name of {host} does not resolve"),
            Self::TimedOut => format!("the connection to {host} timed out"),
            Self::Silent { after } => {
                format!("timed out: {host} did not answer for {} s", after.as_secs())
            }
            Self::Tls(reason) if reason.is_empty() => {
                format!("the TLS certificate of {host} is not trusted")
            }
            Self::Tls(reason) => format!("the TLS connection to {host} failed: {reason}"),
            Self::PlainHttp => format!("{host} does not speak TLS"),
            Self::NoAuthorities => {
                format!("no TLS connection to {host}: this machine has no CA certificates")
            }
            Self::InvalidHost => format!("`{host}` is not a host name with an optional port"),
            Self::NoPlatform => format!("{name} on {host} has no image for this platform"),
            Self::OtherDigest { found: Some(found) } => {
                format!("{host} has a different digest for {name}: {found}")
            }
            Self::OtherDigest { found: None } if phase == Phase::Pull => {
                format!("the content that {host} sent for {name} has the wrong digest")
            }
            Self::OtherDigest { found: None } => {
                format!("{host} reports a different digest than that of the pushed content")
            }
            Self::TooLarge { limit } => format!("{host} sent more than {} KiB", limit / 1024),
            Self::Malformed(what) => format!("{host} sent {what}"),
            Self::UnsafeTokenServer => format!("{host} names a token server without TLS"),
            Self::UnsafeRedirect => {
                format!("{host} redirects too many times, or to an address without TLS")
            }
            Self::OnTheWay { host: other, role, fault } => {
                let request = Request { host: other, ..*request };
                let role = match role {
                    Role::Proxy => format!("the proxy for {host}"),
                    Role::Redirect => format!("a request to {host} was redirected to {other}"),
                    Role::TokenServer => format!("the token server of {host}"),
                };
                format!("{role}: {}", fault.cause(&request))
            }
            Self::Unexplained => format!("{host} rejected the request"),
            Self::Credentials { reason, .. } => reason.clone(),
        }
    }

    /// What the user can do about it, if anything.
    pub fn help(&self, request: &Request<'_>) -> Option<String> {
        let Request { host, phase, image, by_engine } = *request;
        let repository = image.repository.familiar();
        let log_in = match host {
            "docker.io" => "docker login or onebuild login".to_owned(),
            host => format!("docker login {host} or onebuild login {host}"),
        };
        let other_base = format!("use another base image: --base {}=OTHER", image.short());
        let pulls = phase == Phase::Pull;
        let or_base = |help: String| if pulls { format!("{help}, or {other_base}") } else { help };
        let reach = |help: &str| match by_engine {
            true => format!("{help}; the engine's machine must be able to reach it"),
            false => help.to_owned(),
        };
        Some(match self {
            Self::Unauthorized { with_login: false } | Self::Denied { with_login: false }
                if pulls =>
            {
                format!("check the name in FROM, log in ({log_in}), or {other_base}")
            }
            Self::Unauthorized { with_login: false } | Self::Denied { with_login: false } => {
                format!("log in: {log_in} --username NAME --password-stdin")
            }
            Self::Unauthorized { with_login: true } => {
                or_base(format!("the login in Docker's configuration is not valid: {log_in}"))
            }
            Self::Denied { with_login: true } if pulls => {
                format!("log in as a user who may pull it ({log_in}), or {other_base}")
            }
            Self::Denied { with_login: true } => {
                format!("log in as a user who may push to {repository}: {log_in}")
            }
            Self::NotFound if pulls => format!("check the name in FROM, or {other_base}"),
            Self::NotFound => "check the name, and create the repository".to_owned(),
            Self::RateLimited { .. } => {
                format!("wait, or log in ({log_in}): logged-in users get a higher rate limit")
            }
            fault if fault.is_server_error() => {
                "run it again later: finished build steps are cached".to_owned()
            }
            Self::ConnectionRefused => reach("check that a registry is running there"),
            Self::UnknownHost => reach("check the host name and the network"),
            Self::TimedOut | Self::ConnectionLost => reach("check the network"),
            Self::Silent { .. } => {
                "run it again later: finished build steps are cached; a proxy may also be the cause"
                    .to_owned()
            }
            Self::Tls(_) if by_engine => format!(
                "put the CA certificate into /etc/docker/certs.d/{host}/ca.crt on the engine's machine"
            ),
            Self::Tls(_) => "the certificate must be signed by a CA that this machine trusts; \
                             SSL_CERT_FILE names other CA certificates"
                .to_owned(),
            Self::TunnelRefused => "check HTTPS_PROXY, or list the registry in NO_PROXY".to_owned(),
            Self::PlainHttp if by_engine => {
                "if it has no TLS, add it to \"insecure-registries\" in the engine's daemon.json"
                    .to_owned()
            }
            Self::PlainHttp => "set up TLS: onebuild uses plain http on loopback only".to_owned(),
            Self::NoAuthorities => "install the package ca-certificates".to_owned(),
            Self::NoPlatform => format!("remove the platform (--platform), or {other_base}"),
            Self::OnTheWay { host: other, fault, .. } => {
                return fault.help(&Request { host: other, ..*request });
            }
            Self::Credentials { help, .. } => help.clone(),
            _ => return None,
        })
    }

    fn is_server_error(&self) -> bool {
        matches!(self, Self::Status { status: None | Some(500..=599), .. })
    }
}

/// `503 Service Unavailable`
fn status_line(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHOUT: RegistryFault = RegistryFault::Unauthorized { with_login: false };

    fn said(fault: &RegistryFault, phase: Phase) -> (String, Option<String>) {
        let image = "r.example/lab/app:1".parse().unwrap();
        let request = Request { host: "r.example", phase, image: &image, by_engine: true };
        (fault.sentence(&request), fault.help(&request))
    }

    #[test]
    fn a_fault_says_what_happened_where_and_what_to_do() {
        let status = |status| RegistryFault::Status { status, errors: Vec::new() };
        let proxy = RegistryFault::OnTheWay {
            host: "proxy.example:3128".to_owned(),
            role: Role::Proxy,
            fault: Box::new(RegistryFault::ConnectionRefused),
        };
        for (fault, phase, sentence, help) in [
            (
                WITHOUT,
                Phase::Push,
                "push failed: not logged in to r.example",
                "docker login r.example or onebuild login r.example",
            ),
            (
                WITHOUT,
                Phase::Pull,
                "r.example/lab/app:1 does not exist on r.example, or is private",
                "--base",
            ),
            (
                RegistryFault::Denied { with_login: true },
                Phase::Push,
                "denied access to r.example/lab/app",
                "may push",
            ),
            (
                RegistryFault::NotFound,
                Phase::Push,
                "push failed: repository r.example/lab/app does not exist",
                "create",
            ),
            (RegistryFault::NotFound, Phase::Pull, "app:1 does not exist on r.example", "FROM"),
            (
                RegistryFault::RateLimited { wait: None },
                Phase::Pull,
                "rate limiting us (429 Too Many Requests)",
                "or onebuild login r.example",
            ),
            (status(Some(503)), Phase::Push, "r.example answered 503 Service Unavailable", "later"),
            (status(None), Phase::Push, "server error (5xx)", "later"),
            (
                proxy,
                Phase::Push,
                "the proxy for r.example: proxy.example:3128 refused the connection",
                "engine's machine",
            ),
        ] {
            let (message, given) = said(&fault, phase);
            assert!(message.contains(sentence), "{message}");
            assert!(given.as_deref().unwrap_or_default().contains(help), "{given:?}");
        }
    }

    #[test]
    fn faults_that_a_retry_may_solve_are_temporary() {
        let status = |status| RegistryFault::Status { status: Some(status), errors: Vec::new() };
        for temporary in [408, 425, 500, 502, 503, 504, 522].map(status) {
            assert!(temporary.is_temporary(), "{temporary:?}");
        }
        for lasting in [400, 405, 413, 501, 505].map(status) {
            assert!(!lasting.is_temporary(), "{lasting:?}");
        }
        assert!(RegistryFault::RateLimited { wait: None }.is_temporary());
        assert!(!WITHOUT.is_temporary() && !RegistryFault::NotFound.is_temporary());
    }
}
