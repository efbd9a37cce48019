//! Where Docker Engines are: at an endpoint, in a docker context, or at Docker's default sockets. Which of
//! them is used is decided elsewhere.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::saved::SavedContext;
use super::{DEFAULT_SOCKET, Endpoint, InvalidContext, InvalidEndpoint, with_nearest_scheme};
use crate::dial::{Target, TlsFiles};
use crate::loopback::is_loopback;

/// The origin of an endpoint from the command line.
pub(crate) const FLAG: &str = "--host";

/// An endpoint to try, and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub endpoint: Endpoint,
    /// The TLS files for a port; without them it is on this machine, or was accepted as it is.
    pub tls: Option<TlsFiles>,
    /// `--host`, `DOCKER_HOST`, a docker context, or the name of the default.
    pub origin: Cow<'static, str>,
}

impl Candidate {
    /// What to open streams to.
    pub(crate) fn target(&self) -> Target {
        match &self.endpoint {
            Endpoint::Unix(path) => Target::Unix(path.clone()),
            Endpoint::Tcp { host, port, .. } => {
                Target::Tcp { host: host.clone(), port: *port, tls: self.tls.clone() }
            }
            Endpoint::Ssh(target) => Target::Command(target.command()),
        }
    }
}

/// Docker's directories, and its settings for TLS.
#[derive(Debug, Default)]
pub struct Places {
    /// Docker's own directory, where its config file and the contexts are.
    pub folder: Option<PathBuf>,
    /// TLS settings for a port that a flag or a variable names.
    pub tls: TlsSettings,
    /// `XDG_RUNTIME_DIR`, where a rootless engine has its socket.
    pub runtime_dir: Option<PathBuf>,
    /// The home directory, where Docker Desktop has its socket.
    pub home: Option<PathBuf>,
}

/// Docker's variables for TLS. As in Docker, any non-empty value enables it.
#[derive(Debug, Default, Clone)]
pub struct TlsSettings {
    /// `DOCKER_TLS_VERIFY`.
    pub verify: bool,
    /// `DOCKER_TLS`, which requests TLS without verification.
    pub unchecked: bool,
    /// `DOCKER_CERT_PATH`; without it the certificates are beside Docker's config file.
    pub folder: Option<PathBuf>,
}

/// Why the engine's location could not be determined.
#[derive(Debug, Error)]
pub enum InvalidPlace {
    #[error("{origin}: {source}")]
    Endpoint { origin: Cow<'static, str>, source: InvalidEndpoint },
    #[error("{origin}: {source}")]
    Context { origin: Cow<'static, str>, source: InvalidContext },
    #[error(
        "{origin}: refusing {endpoint} without TLS: anyone on the network path would get root there"
    )]
    Plain { origin: Cow<'static, str>, endpoint: Endpoint },
    #[error("DOCKER_TLS requests TLS without verification of the engine's certificate")]
    Unchecked,
    #[error("{wants} is set, but neither HOME nor DOCKER_CONFIG says where Docker keeps its files")]
    NoFolder { wants: &'static str },
}

impl InvalidPlace {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Endpoint { source: InvalidEndpoint::Scheme { given }, .. }
                if given.contains("buildkit+") || given.contains("-container:") || given.contains("kube-pod:") =>
            {
                "this must be a Docker Engine; a buildkitd is named by ONEBUILD_HOST, or by --host of a build"
            }
            Self::Endpoint { source: InvalidEndpoint::Scheme { given }, .. }
                if let Some(meant) = with_nearest_scheme(given, &["unix", "tcp", "ssh"]) =>
            {
                return format!("did you mean `{meant}`?");
            }
            Self::Endpoint { .. } => {
                "for an engine on another machine, use ssh://USER@HOST, or tcp://HOST:2376 with TLS"
            }
            Self::Context { source: InvalidContext::Unchecked { .. }, .. } => {
                "add the engine's CA certificate: docker context update NAME --docker \
                 host=…,ca=ca.pem"
            }
            Self::Context { .. } => "list the contexts: docker context ls",
            Self::Plain { endpoint, .. } => {
                return format!(
                    "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of ca.pem, cert.pem and \
                     key.pem; or use ssh://USER@HOST; or accept it, in a network that you trust: \
                     --host '{endpoint}?tls=false'"
                );
            }
            Self::Unchecked => {
                "set DOCKER_TLS_VERIFY=1 instead, with the engine's ca.pem in DOCKER_CERT_PATH"
            }
            Self::NoFolder { .. } => "set DOCKER_CONFIG to the directory of Docker's config.json",
        }
        .to_owned()
    }
}

impl Places {
    /// The engine at `host`, an endpoint as `DOCKER_HOST` writes it.
    pub fn host(
        &self,
        host: &str,
        origin: impl Into<Cow<'static, str>>,
    ) -> Result<Candidate, InvalidPlace> {
        named(host, origin.into(), || self.tls.files(self.folder.as_deref()))
    }

    /// The engine of the docker context `name`.
    pub(crate) fn context(
        &self,
        name: &str,
        origin: impl Into<Cow<'static, str>>,
    ) -> Result<Candidate, InvalidPlace> {
        let folder = self.folder.as_deref();
        let folder = folder.ok_or(InvalidPlace::NoFolder { wants: "DOCKER_CONTEXT" })?;
        let saved = SavedContext::read(folder, name)
            .map_err(|source| InvalidPlace::Context { origin: origin.into(), source })?;
        named(&saved.host, format!("the docker context `{name}`").into(), || Ok(saved.tls))
    }

    /// Whether there is a docker context `name`.
    pub(crate) fn has_context(&self, name: &str) -> bool {
        let folder = self.folder.as_deref();
        folder.is_some_and(|folder| SavedContext::exists(folder, name))
    }

    /// The default sockets, in the order in which they are tried: the system's, a rootless engine's and
    /// Docker Desktop's.
    pub(crate) fn sockets(&self) -> Vec<Candidate> {
        let socket = |path: PathBuf, origin: &'static str| Candidate {
            endpoint: Endpoint::Unix(path),
            tls: None,
            origin: origin.into(),
        };
        let mut found = vec![socket(DEFAULT_SOCKET.into(), "the default socket")];
        if let Some(folder) = &self.runtime_dir {
            found.push(socket(folder.join("docker.sock"), "a rootless engine's socket"));
        }
        if let Some(home) = &self.home {
            found.push(socket(home.join(".docker/run/docker.sock"), "Docker Desktop's socket"));
        }
        found
    }
}

/// The endpoint that the user named. `tls` is called only for a port; other endpoints do not use
/// TLS.
fn named(
    host: &str,
    origin: Cow<'static, str>,
    tls: impl FnOnce() -> Result<Option<TlsFiles>, InvalidPlace>,
) -> Result<Candidate, InvalidPlace> {
    let endpoint = match host.parse() {
        Ok(endpoint) => endpoint,
        Err(source) => return Err(InvalidPlace::Endpoint { origin, source }),
    };
    let Endpoint::Tcp { host, plain: false, .. } = &endpoint else {
        return Ok(Candidate { endpoint, tls: None, origin });
    };
    let tls = tls()?;
    if tls.is_none() && !is_loopback(host) {
        return Err(InvalidPlace::Plain { origin, endpoint });
    }
    Ok(Candidate { endpoint, tls, origin })
}

impl TlsSettings {
    fn files(&self, config: Option<&Path>) -> Result<Option<TlsFiles>, InvalidPlace> {
        if !self.verify {
            return match self.unchecked {
                true => Err(InvalidPlace::Unchecked),
                false => Ok(None),
            };
        }
        let folder = self.folder.as_deref().or(config);
        let folder = folder.ok_or(InvalidPlace::NoFolder { wants: "DOCKER_TLS_VERIFY" })?;
        Ok(Some(TlsFiles::in_directory(folder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Docker's directory, with contexts `far` and `near` for these hosts.
    fn folder(hosts: [&str; 2]) -> (tempfile::TempDir, Option<PathBuf>) {
        use sha2::{Digest as _, Sha256};
        let folder = tempfile::tempdir().unwrap();
        for (name, host) in ["far", "near"].into_iter().zip(hosts) {
            let id: String = Sha256::digest(name).iter().map(|b| format!("{b:02x}")).collect();
            let path = folder.path().join("contexts/meta").join(id);
            std::fs::create_dir_all(&path).unwrap();
            let meta = format!(r#"{{"Endpoints": {{"docker": {{"Host": "{host}"}}}}}}"#);
            std::fs::write(path.join("meta.json"), meta).unwrap();
        }
        let path = folder.path().to_owned();
        (folder, Some(path))
    }

    #[test]
    fn a_context_names_the_engine_that_it_holds() {
        let (_kept, folder) = folder(["unix:///far", "unix:///near"]);
        let places = Places { folder, ..Places::default() };
        let found = places.context("far", "x").unwrap();
        assert_eq!(found.origin, "the docker context `far`");
        assert_eq!(found.endpoint.to_string(), "unix:///far");
        assert!(places.has_context("near") && !places.has_context("gone"));
    }

    #[test]
    fn the_default_sockets_are_those_of_the_directories_that_are_known() {
        let places = Places {
            runtime_dir: Some("/run/user/1".into()),
            home: Some("/home/a".into()),
            ..Places::default()
        };
        assert_eq!(places.sockets().len(), 3);
        let origins: Vec<_> =
            Places::default().sockets().into_iter().map(|found| found.origin).collect();
        assert_eq!(origins, ["the default socket"]);
    }

    #[test]
    fn a_remote_port_requires_tls_with_verification() {
        let (_kept, folder) = folder(["tcp://h:2375", "tcp://127.0.0.1:1"]);
        let base = || Places { folder: folder.clone(), ..Places::default() };
        let tls = |verify, unchecked| TlsSettings { verify, unchecked, folder: None };
        let with = |tls: TlsSettings| Places { tls, ..base() };
        let host = |places: Places, host: &str| places.host(host, "DOCKER_HOST");
        for (found, expected) in [
            (host(base(), "tcp://h:2375"), "DOCKER_HOST: refusing tcp://h:2375 without TLS"),
            (
                base().context("far", "x"),
                "the docker context `far`: refusing tcp://h:2375 without TLS",
            ),
            (host(with(tls(false, true)), "tcp://h:2376"), "without verification"),
            (host(with(tls(false, true)), "tcp://127.0.0.1:1"), "without verification"),
            (
                host(Places { folder: None, ..with(tls(true, false)) }, "tcp://h:2376"),
                "DOCKER_TLS_VERIFY is set, but neither HOME",
            ),
            (Places::default().context("far", "x"), "DOCKER_CONTEXT is set, but neither HOME"),
            (
                base().context("gone", "DOCKER_CONTEXT"),
                "DOCKER_CONTEXT: there is no docker context",
            ),
        ] {
            let error = found.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.help().is_empty());
        }
    }

    #[test]
    fn certificates_are_read_from_dockers_directory() {
        let (kept, folder) = folder(["", ""]);
        let mut places = Places {
            folder,
            tls: TlsSettings { verify: true, unchecked: true, folder: None },
            ..Places::default()
        };
        let files = |places: &Places| places.host("tcp://h:2376", FLAG).unwrap().tls.unwrap();
        assert_eq!(files(&places), TlsFiles::in_directory(kept.path()));
        places.tls.folder = Some("/certs".into());
        assert_eq!(files(&places), TlsFiles::in_directory(Path::new("/certs")));
        // A socket does not use them.
        assert_eq!(places.host("unix:///a", FLAG).unwrap().tls, None);
        // A port on this machine may go without TLS, and any that was accepted as it is.
        assert_eq!(Places::default().host("tcp://localhost:1", FLAG).unwrap().tls, None);
        let accepted = places.host("tcp://h:2375?tls=false", FLAG).unwrap();
        assert_eq!(
            (accepted.endpoint.to_string(), accepted.tls),
            ("tcp://h:2375".to_owned(), None)
        );
        for host in ["tcp://h:2375?tls=true", "tcp://h:2375?tls=false&x=y", "ssh://h?tls=false"] {
            assert!(places.host(host, FLAG).is_err(), "{host}");
        }
    }
}
