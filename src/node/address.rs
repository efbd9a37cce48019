//! The address of a node: of a Docker Engine, or of a buildkitd.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::dial::{CommandLine, TlsClient, TlsFiles};
use crate::docker::{
    Endpoint, InvalidEndpoint, host_and_port, who_controls, with_nearest_scheme, without_login,
};
use crate::loopback::is_loopback;

/// buildkitd's own default.
const DEFAULT_SOCKET: &str = "/run/buildkit/buildkitd.sock";

/// The port in BuildKit's documentation.
const DEFAULT_PORT: u16 = 1234;

/// The command that relays to buildkitd beside it.
pub(super) const RELAY: [&str; 2] = ["buildctl", "dial-stdio"];

/// What `--host` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A Docker Engine, which has a BuildKit in it.
    Docker(Endpoint),
    /// A buildkitd.
    Buildkitd(Buildkitd),
}

/// Where a buildkitd is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buildkitd {
    /// `buildkit+unix://PATH`: a socket in the file system.
    Unix(PathBuf),
    /// `buildkit+tcp://HOST:PORT`: a port, and how to secure it.
    Tcp { host: String, port: u16, tls: Option<TlsFiles> },
    /// `docker-container://NAME`: in a container of the Docker Engine.
    DockerContainer { name: String },
    /// `podman-container://NAME`: in a container of Podman.
    PodmanContainer { name: String },
    /// `kube-pod://POD`: in a pod of Kubernetes.
    KubePod {
        pod: String,
        namespace: Option<String>,
        container: Option<String>,
        context: Option<String>,
    },
}

/// Why a string is not the address of a buildkitd.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InvalidAddress {
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    #[error("`{given}` must have a host and a port: write {scheme}://HOST:{DEFAULT_PORT}")]
    NotAHost { given: String, scheme: &'static str },
    #[error("`{given}` must name a {what}, with letters, digits, `.`, `_` and `-`")]
    Name { given: String, what: &'static str },
    #[error("`{key}` is not an option of {scheme}://; its options are {}", known.join(", "))]
    Option { key: String, scheme: &'static str, known: &'static [&'static str] },
    #[error("{scheme}:// has no options, but `{given}` has a `?`")]
    NoOptions { given: String, scheme: &'static str },
    #[error("`{given}` has {there}, but no {missing}")]
    Half { given: String, there: &'static str, missing: &'static str },
    #[error("refusing {given} without TLS: anyone on the network path would get root there")]
    Plain { given: String },
    #[error("`tls` of `{given}` can only be `false`, and only without certificates")]
    Tls { given: String },
    #[error(
        "`{given}` is not an address of BuildKit: write unix:///PATH, tcp://HOST:{DEFAULT_PORT}, \
         docker-container://NAME, podman-container://NAME or kube-pod://POD"
    )]
    Scheme { given: String },
}

impl InvalidAddress {
    /// The schemes of the addresses among which it is none.
    fn schemes(&self) -> Vec<&'static str> {
        let in_container = ["docker-container", "podman-container", "kube-pod"];
        let others = match self {
            Self::Scheme { .. } => &["unix", "tcp"][..],
            _ => &["unix", "tcp", "ssh", "buildkit+unix", "buildkit+tcp"],
        };
        others.iter().copied().chain(in_container).collect()
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Plain { given } => {
                let address =
                    given.strip_prefix("tcp://").map(|rest| format!("buildkit+tcp://{rest}"));
                let address = address.as_ref().unwrap_or(given);
                format!(
                    "name the CA certificate, and the client certificate and key if it requires them: \
                     '{given}?cacert=ca.pem&cert=cert.pem&key=key.pem'; or accept it, in a network that you \
                     trust: --host '{address}?tls=false'"
                )
            }
            Self::Endpoint(InvalidEndpoint::Scheme { given }) if is_name(given) => format!(
                "for a builder or a docker context, write --builder {given}; for a machine, ssh://{given} or \
                 tcp://{given}:2376"
            ),
            Self::Endpoint(InvalidEndpoint::Scheme { given }) | Self::Scheme { given }
                if let Some(meant) = with_nearest_scheme(given, &self.schemes()) =>
            {
                format!("did you mean `{meant}`?")
            }
            Self::Endpoint(InvalidEndpoint::Scheme { .. }) => {
                "for a buildkitd, use buildkit+unix:///PATH, buildkit+tcp://HOST:PORT, \
                 docker-container://NAME, podman-container://NAME or kube-pod://POD"
                    .to_owned()
            }
            Self::Scheme { given } if given.starts_with("buildkit+") => {
                "write it without `buildkit+`, as for buildctl; or use ONEBUILD_HOST".to_owned()
            }
            Self::Endpoint(_) => {
                "for an engine on another machine, use ssh://USER@HOST, or tcp://HOST:2376 with TLS"
                    .to_owned()
            }
            _ => "docs/engines.md lists all addresses".to_owned(),
        }
    }
}

/// Options of an address, by name.
const TCP_OPTIONS: &[&str] = &["cacert", "cert", "key", "servername", "tls"];
const POD_OPTIONS: &[&str] = &["namespace", "container", "context"];

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("buildkit+unix", path)) => Ok(Self::Buildkitd(unix(path))),
            Some(("buildkit+tcp", rest)) => tcp(rest, "buildkit+tcp").map(Self::Buildkitd),
            Some((scheme, rest)) => match in_container(scheme, rest) {
                Some(found) => found.map(Self::Buildkitd),
                None => Ok(Self::Docker(text.parse()?)),
            },
            None => Ok(Self::Docker(text.parse()?)),
        }
    }
}

impl Buildkitd {
    /// Parses an address as `BUILDKIT_HOST` and `buildctl --addr` write it, without `buildkit+`.
    pub(crate) fn from_buildctl(text: &str) -> Result<Self, InvalidAddress> {
        let scheme = || InvalidAddress::Scheme { given: without_login(text) };
        match text.split_once("://").ok_or_else(scheme)? {
            ("unix", path) => Ok(unix(path)),
            ("tcp", rest) => tcp(rest, "tcp"),
            (name, rest) => in_container(name, rest).ok_or_else(scheme)?,
        }
    }

    /// Who can control it, if it is a port without TLS.
    pub(crate) fn plain(&self) -> Option<&'static str> {
        match self {
            Self::Tcp { host, tls: None, .. } => Some(who_controls(host)),
            _ => None,
        }
    }

    /// The command that reaches it, if it is behind one.
    pub(super) fn command(&self) -> Option<CommandLine> {
        self.running(RELAY)
    }

    /// The same, to check whether buildkitd runs there.
    pub(super) fn check(&self) -> Option<String> {
        let CommandLine { program, arguments } = self.running(["buildctl", "debug workers"])?;
        Some(format!("{program} {}", arguments.join(" ")))
    }

    fn running(&self, command: [&str; 2]) -> Option<CommandLine> {
        let (program, arguments): (_, Vec<String>) = match self {
            Self::PodmanContainer { name } => {
                ("podman", ["exec", "--interactive", name].map(str::to_owned).to_vec())
            }
            Self::KubePod { pod, namespace, container, context } => {
                let mut arguments = vec!["exec".to_owned(), "--stdin".to_owned()];
                for (name, value) in
                    [("context", context), ("namespace", namespace), ("container", container)]
                {
                    arguments.extend(value.iter().map(|value| format!("--{name}={value}")));
                }
                arguments.extend([pod.clone(), "--".to_owned()]);
                ("kubectl", arguments)
            }
            Self::Unix(_) | Self::Tcp { .. } | Self::DockerContainer { .. } => return None,
        };
        let arguments = arguments.into_iter().chain(command.map(str::to_owned)).collect();
        Some(CommandLine { program, arguments })
    }
}

fn unix(path: &str) -> Buildkitd {
    Buildkitd::Unix(if path.is_empty() { DEFAULT_SOCKET } else { path }.into())
}

fn tcp(rest: &str, scheme: &'static str) -> Result<Buildkitd, InvalidAddress> {
    let (address, options) = options(rest, scheme, TCP_OPTIONS)?;
    let given = || format!("{scheme}://{}", without_login(address));
    if address.contains('@') {
        return Err(InvalidEndpoint::Login { given: given(), scheme }.into());
    }
    let (host, port) = host_and_port(address.strip_suffix('/').unwrap_or(address))
        .ok_or_else(|| InvalidAddress::NotAHost { given: given(), scheme })?;
    let [ca, cert, key, server_name, accepted] =
        <[Option<String>; 5]>::try_from(options).expect("one value for each option");
    let half = |there, missing| InvalidAddress::Half { given: given(), there, missing };
    let client = match (cert, key) {
        (None, None) => TlsClient::None,
        (Some(cert), Some(key)) => TlsClient::Pair { cert: cert.into(), key: key.into() },
        (Some(_), None) => return Err(half("cert", "key")),
        (None, Some(_)) => return Err(half("key", "cert")),
    };
    let tls = match ca {
        Some(ca) => Some(TlsFiles { ca: ca.into(), client, server_name }),
        None if client != TlsClient::None => return Err(half("cert", "cacert")),
        None if server_name.is_some() => return Err(half("servername", "cacert")),
        None if accepted.is_none() && !is_loopback(&host) => {
            return Err(InvalidAddress::Plain { given: given() });
        }
        None => None,
    };
    if accepted.is_some_and(|value| value != "false" || tls.is_some()) {
        return Err(InvalidAddress::Tls { given: given() });
    }
    Ok(Buildkitd::Tcp { host, port: port.unwrap_or(DEFAULT_PORT), tls })
}

/// An address in a container or a pod; `None` for another scheme.
fn in_container(scheme: &str, rest: &str) -> Option<Result<Buildkitd, InvalidAddress>> {
    Some(match scheme {
        "docker-container" => name(rest, "docker-container", "container")
            .map(|name| Buildkitd::DockerContainer { name }),
        "podman-container" => name(rest, "podman-container", "container")
            .map(|name| Buildkitd::PodmanContainer { name }),
        "kube-pod" => pod(rest),
        _ => return None,
    })
}

fn pod(rest: &str) -> Result<Buildkitd, InvalidAddress> {
    const SCHEME: &str = "kube-pod";
    let (pod, options) = options(rest, SCHEME, POD_OPTIONS)?;
    let pod = name(pod, SCHEME, "pod")?;
    let checked = |value: Option<String>, what: &'static str| {
        // Names of contexts may have other characters; each is one argument, after its `=`.
        let is_name = |text: &String| !text.is_empty() && !text.contains(char::is_control);
        match value {
            Some(value) if !is_name(&value) => {
                Err(InvalidAddress::Name { given: format!("{SCHEME}://{rest}"), what })
            }
            value => Ok(value),
        }
    };
    let [namespace, container, context] =
        <[Option<String>; 3]>::try_from(options).expect("one value for each option");
    Ok(Buildkitd::KubePod {
        pod,
        namespace: checked(namespace, "namespace")?,
        container: checked(container, "container")?,
        context: checked(context, "context")?,
    })
}

/// A name that becomes an argument of a command.
fn name(text: &str, scheme: &'static str, what: &'static str) -> Result<String, InvalidAddress> {
    let given = || format!("{scheme}://{text}");
    if text.contains('?') {
        return Err(InvalidAddress::NoOptions { given: given(), scheme });
    }
    match text.strip_suffix('/').unwrap_or(text) {
        name if is_name(name) => Ok(name.to_owned()),
        _ => Err(InvalidAddress::Name { given: given(), what }),
    }
}

fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(known)
}

/// Splits `ADDRESS?OPTIONS`. The values of `known`, in its order.
fn options<'t>(
    rest: &'t str,
    scheme: &'static str,
    known: &'static [&'static str],
) -> Result<(&'t str, Vec<Option<String>>), InvalidAddress> {
    let mut values = vec![None; known.len()];
    let Some((address, query)) = rest.split_once('?') else { return Ok((rest, values)) };
    let url = reqwest::Url::parse(&format!("x:?{query}"));
    let pairs = url.iter().flat_map(|url| url.query_pairs());
    for (key, value) in pairs {
        match known.iter().position(|known| *known == key) {
            Some(place) => values[place] = Some(value.into_owned()),
            None => {
                return Err(InvalidAddress::Option { key: key.into_owned(), scheme, known });
            }
        }
    }
    Ok((address, values))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docker(endpoint) => endpoint.fmt(f),
            Self::Buildkitd(buildkitd) => buildkitd.fmt(f),
        }
    }
}

impl fmt::Display for Buildkitd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "buildkit+unix://{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => {
                write!(f, "buildkit+tcp://[{host}]:{port}")
            }
            Self::Tcp { host, port, .. } => write!(f, "buildkit+tcp://{host}:{port}"),
            Self::DockerContainer { name } => write!(f, "docker-container://{name}"),
            Self::PodmanContainer { name } => write!(f, "podman-container://{name}"),
            Self::KubePod { pod, .. } => write!(f, "kube-pod://{pod}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_and_shown_without_their_options() {
        for (text, shown) in [
            ("unix:///a/b.sock", "unix:///a/b.sock"),
            ("/a/b.sock", "unix:///a/b.sock"),
            ("ssh://me@build.example", "ssh://me@build.example"),
            ("buildkit+unix:///run/b.sock", "buildkit+unix:///run/b.sock"),
            ("buildkit+unix://", "buildkit+unix:///run/buildkit/buildkitd.sock"),
            ("buildkit+tcp://127.0.0.1", "buildkit+tcp://127.0.0.1:1234"),
            ("buildkit+tcp://[::1]:9/", "buildkit+tcp://[::1]:9"),
            ("buildkit+tcp://b.example:9?cacert=/c.pem", "buildkit+tcp://b.example:9"),
            ("buildkit+tcp://b.example?tls=false", "buildkit+tcp://b.example:1234"),
            ("docker-container://buildx_buildkit_b0", "docker-container://buildx_buildkit_b0"),
            ("podman-container://b/", "podman-container://b"),
            ("kube-pod://b-0?namespace=n&container=c", "kube-pod://b-0"),
        ] {
            let address = text.parse::<Address>().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(address.to_string(), shown);
        }
        for (text, shown) in [
            ("unix:///run/b.sock", "buildkit+unix:///run/b.sock"),
            ("tcp://localhost:1", "buildkit+tcp://localhost:1"),
            ("kube-pod://b", "kube-pod://b"),
        ] {
            assert_eq!(Buildkitd::from_buildctl(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn certificates_of_a_port_are_options() {
        let text = "buildkit+tcp://b.example:9?cacert=%2Fa%20b%2Fca.pem&cert=c&key=k&servername=s";
        let Address::Buildkitd(Buildkitd::Tcp { tls: Some(tls), .. }) = text.parse().unwrap()
        else {
            panic!("a port with TLS")
        };
        let client = TlsClient::Pair { cert: "c".into(), key: "k".into() };
        let server_name = Some("s".to_owned());
        assert_eq!(tls, TlsFiles { ca: "/a b/ca.pem".into(), client, server_name });
    }

    #[test]
    fn invalid_addresses_are_refused_with_the_correct_syntax() {
        for (text, expected) in [
            ("nonsense", "`nonsense` is not an endpoint"),
            ("buildkit://b.example", "is not an endpoint"),
            ("buildkit+tcp://", "write buildkit+tcp://HOST:1234"),
            ("buildkit+tcp://b.example:0", "write buildkit+tcp://HOST:1234"),
            ("buildkit+tcp://b.example", "refusing buildkit+tcp://b.example without TLS"),
            ("buildkit+tcp://b.example?cert=c", "has cert, but no key"),
            ("buildkit+tcp://b.example?key=k", "has key, but no cert"),
            ("buildkit+tcp://b.example?cert=c&key=k", "has cert, but no cacert"),
            ("buildkit+tcp://b.example?servername=s", "has servername, but no cacert"),
            ("buildkit+tcp://b.example?ca=c", "its options are cacert, cert, key, servername, tls"),
            ("buildkit+tcp://b.example?tls=no", "can only be `false`"),
            ("buildkit+tcp://127.0.0.1?tls=", "can only be `false`"),
            ("buildkit+tcp://b.example?tls=false&cacert=c", "without certificates"),
            ("buildkit+unix:/run/b.sock", "is not an endpoint"),
            ("docker-container:b", "is not an endpoint"),
            ("docker-container://", "must name a container"),
            ("docker-container://-it", "must name a container"),
            ("docker-container://a b", "must name a container"),
            ("docker-container://a?x=y", "has no options"),
            ("podman-container://$(x)", "must name a container"),
            ("kube-pod://--all", "must name a pod"),
            ("kube-pod://b?namespace=", "must name a namespace"),
            ("kube-pod://b?ns=x", "its options are namespace, container, context"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(!error.help().is_empty());
        }
        let error = Buildkitd::from_buildctl("https://u:hunter2@b.example").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_misspelt_scheme_gets_the_nearest_one() {
        for (text, expected) in [
            ("unx:///x", "did you mean `unix:///x`?"),
            ("shs://u:hunter2@h", "did you mean `ssh://h`?"),
            ("buildkit-tcp://h:1", "did you mean `buildkit+tcp://h:1`?"),
            ("docker-contianer://b", "did you mean `docker-container://b`?"),
            ("https://h", "for a buildkitd, use buildkit+unix"),
        ] {
            let help = text.parse::<Address>().unwrap_err().help();
            assert!(help.starts_with(expected), "{text}: {help}");
        }
        let help = Buildkitd::from_buildctl("unx:///x").unwrap_err().help();
        assert_eq!(help, "did you mean `unix:///x`?");
        let error = "buildkit+tcp://u:hunter2@h:1".parse::<Address>().unwrap_err().to_string();
        assert!(error.contains("with a login") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn commands_run_buildkits_own_relay() {
        let command = |text: &str| {
            let Address::Buildkitd(address) = text.parse().unwrap() else { panic!("{text}") };
            let CommandLine { program, arguments } = address.command().unwrap();
            format!("{program} {}", arguments.join(" "))
        };
        assert_eq!(
            command("podman-container://b"),
            "podman exec --interactive b buildctl dial-stdio"
        );
        assert_eq!(
            command("kube-pod://b-0?context=c&namespace=n&container=d"),
            "kubectl exec --stdin --context=c --namespace=n --container=d b-0 -- buildctl dial-stdio"
        );
    }
}
