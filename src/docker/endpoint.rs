//! The address of an engine, as `DOCKER_HOST` and docker contexts write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::error::nearest;
use crate::loopback::is_loopback;

/// Behind the address of a port: its traffic is not secured, and that is accepted.
const PLAIN: &str = "?tls=false";

/// What Docker's client adds to an address without a path, a host or a port. The port is the same
/// with TLS.
pub(crate) const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 2375;

/// The address of a Docker Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port. TLS is required unless it is on this machine.
    Tcp {
        /// A host name or an address; an IPv6 address without its brackets.
        host: String,
        port: u16,
        /// `?tls=false`: no TLS, also to another machine.
        plain: bool,
    },
    /// The `docker` command of another machine, started there by `ssh`.
    Ssh(SshTarget),
}

/// `[user@]host[:port]`, and the remote socket if it is not Docker's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    pub user: Option<String>,
    pub host: String,
    pub port: Option<u16>,
    pub socket: Option<String>,
}

/// Why a string is not an endpoint.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidEndpoint {
    #[error("`{given}` must only have a host and a port: write tcp://HOST:2376")]
    NotAHost { given: String },
    #[error("`{given}` is not an SSH login: write ssh://USER@HOST")]
    NotALogin { given: String },
    #[error("`{given}` is given with a login, which {scheme}:// does not have: remove it")]
    Login { given: String, scheme: &'static str },
    #[error(
        "`{given}` is given with a password, which ssh:// does not have: use a key or an agent"
    )]
    Password { given: String },
    #[error("`tls` of `{given}` can only be `false`")]
    Tls { given: String },
    #[error("`{given}` is not an endpoint: write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST")]
    Scheme { given: String },
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = || without_login(text);
        match text.split_once("://") {
            Some(("unix", "")) => Ok(Self::Unix(DEFAULT_SOCKET.into())),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            Some(("tcp", address)) => tcp(address, given),
            Some(("ssh", login)) => match login.rsplit_once('@') {
                Some((user, _)) if user.contains(':') => {
                    Err(InvalidEndpoint::Password { given: given() })
                }
                _ => ssh(login).ok_or_else(|| InvalidEndpoint::NotALogin { given: given() }),
            },
            Some(_) => Err(InvalidEndpoint::Scheme { given: given() }),
            None if text.starts_with('/') => Ok(Self::Unix(text.into())),
            // Docker treats `host:port` as tcp. What is neither may be `unix:/PATH`.
            None if text.contains(':') => {
                tcp(text, given).map_err(|_| InvalidEndpoint::Scheme { given: given() })
            }
            None => Err(InvalidEndpoint::Scheme { given: given() }),
        }
    }
}

/// Who can control an engine at a port of this host without TLS.
pub(crate) fn who_controls(host: &str) -> &'static str {
    match is_loopback(host) {
        true => "every program on this machine",
        false => "anyone on the network path",
    }
}

/// An address for an error message. The part before an `@` may contain a password.
pub(crate) fn without_login(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    scheme + rest
}

/// `given` with the nearest of these schemes instead of its own.
pub(crate) fn with_nearest_scheme(given: &str, schemes: &[&str]) -> Option<String> {
    let (scheme, rest) = given.split_once("://")?;
    Some(format!("{}://{rest}", nearest(scheme, schemes.iter().copied())?))
}

fn tcp(address: &str, given: impl Fn() -> String) -> Result<Endpoint, InvalidEndpoint> {
    if address.contains('@') {
        return Err(InvalidEndpoint::Login { given: given(), scheme: "tcp" });
    }
    if !address.ends_with(PLAIN) && address.contains("?tls") {
        return Err(InvalidEndpoint::Tls { given: given() });
    }
    let (address, plain) = match address.strip_suffix(PLAIN) {
        Some(address) => (address, true),
        None => (address, false),
    };
    let address = address.strip_suffix('/').unwrap_or(address);
    // As for Docker, `tcp://` and `tcp://:2375` are this machine.
    let address = match address {
        "" => DEFAULT_HOST.to_owned(),
        port if port.starts_with(':') => format!("{DEFAULT_HOST}{port}"),
        address => address.to_owned(),
    };
    let address = address.as_str();
    let (host, port) =
        host_and_port(address).ok_or(InvalidEndpoint::NotAHost { given: given() })?;
    Ok(Endpoint::Tcp { host, port: port.unwrap_or(DEFAULT_PORT), plain })
}

fn ssh(login: &str) -> Option<Endpoint> {
    let (login, socket) = match login.split_once('/') {
        Some((login, path)) => (login, Some(format!("/{path}")).filter(|path| path != "/")),
        None => (login, None),
    };
    let (user, address) = match login.split_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, login),
    };
    // The user and the path become arguments of commands; a remote shell parses the path.
    let word = |text: &str, more: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(known)
    };
    if user.is_some_and(|user| !word(user, "._-"))
        || socket.as_deref().is_some_and(|path| !word(path, "/._-"))
    {
        return None;
    }
    let (host, port) = host_and_port(address)?;
    Some(Endpoint::Ssh(SshTarget { user: user.map(str::to_owned), host, port, socket }))
}

/// `host`, `host:port` or `[address]:port`.
pub(crate) fn host_and_port(address: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (
            host,
            (!rest.is_empty()).then(|| rest.strip_prefix(':')).map(|port| port.unwrap_or("")),
        ),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let bracketed = address.starts_with('[');
    let known = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let is_host = match bracketed {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => !host.is_empty() && !host.starts_with('-') && host.chars().all(known),
    };
    if !is_host {
        return None;
    }
    match port {
        Some(port) => Some((host.to_owned(), Some(port.parse().ok().filter(|port| *port > 0)?))),
        None => Some((host.to_owned(), None)),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{}:{port}", bracketed(host)),
            Self::Ssh(SshTarget { user, host, port, socket }) => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&bracketed(host))?;
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                f.write_str(socket.as_deref().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_parsed_as_docker_parses_them() {
        for (text, shown) in [
            ("unix:///a/b.sock", "unix:///a/b.sock"),
            ("/a/b.sock", "unix:///a/b.sock"),
            ("unix://", "unix:///var/run/docker.sock"),
            ("unix://docker.sock", "unix://docker.sock"),
            ("tcp://", "tcp://localhost:2375"),
            ("tcp://:2376", "tcp://localhost:2376"),
            ("tcp://build.example", "tcp://build.example:2375"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("tcp://build.example:2376/", "tcp://build.example:2376"),
            ("tcp://build.example:2375?tls=false", "tcp://build.example:2375"),
            ("build.example:2376", "tcp://build.example:2376"),
            ("tcp://[::1]:2376", "tcp://[::1]:2376"),
            ("ssh://me@build.example", "ssh://me@build.example"),
            ("ssh://build.example:2222/", "ssh://build.example:2222"),
            ("ssh://me@[fe80::1]:22/run/d.sock", "ssh://me@[fe80::1]:22/run/d.sock"),
        ] {
            let endpoint = text.parse::<Endpoint>().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(endpoint.to_string(), shown);
        }
    }

    #[test]
    fn an_invalid_endpoint_is_refused_with_the_correct_syntax() {
        for (text, expected) in [
            ("", "unix:///PATH"),
            ("nonsense", "unix:///PATH"),
            ("unix:/run/d.sock", "unix:///PATH"),
            ("ssh:me@host", "ssh://USER@HOST"),
            ("http://h:1", "unix:///PATH"),
            ("tcp://host:0", "tcp://HOST:2376"),
            ("tcp://host:port", "tcp://HOST:2376"),
            ("tcp://host:65536", "tcp://HOST:2376"),
            ("tcp://host:1/path", "must only have a host"),
            ("tcp://host:1?tls=true", "`tls` of `tcp://host:1?tls=true` can only be `false`"),
            ("tcp://host:1?tls=flase", "can only be `false`"),
            ("tcp://user:hunter2@host:1", "with a login, which tcp:// does not have"),
            ("ssh://user:hunter2@host", "with a password, which ssh:// does not have"),
            ("ssh://user:hunter/2@host", "with a password, which ssh:// does not have"),
            ("tcp://[::1]2376", "must only have a host"),
            ("tcp://::1:2376", "must only have a host"),
            ("tcp://a b:1", "must only have a host"),
            ("ssh://", "ssh://USER@HOST"),
            ("ssh://-oProxyCommand=x", "ssh://USER@HOST"),
            ("ssh://-l@host", "ssh://USER@HOST"),
            ("ssh://u@host/run/a;b", "ssh://USER@HOST"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_error_for_an_invalid_endpoint_does_not_show_a_password() {
        for scheme in ["tcp", "ssh", "http"] {
            let given = format!("{scheme}://user:hunter2@host:2376");
            let error = given.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains("://host:2376") && !error.contains("hunter2"), "{error}");
        }
    }
}
