//! Decides which engine to use: the flag, the environment, the docker context, or Docker's default
//! sockets.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::saved::SavedContext;
use super::{DEFAULT_SOCKET, Endpoint, InvalidContext, InvalidEndpoint};
use crate::dial::{Target, TlsFiles};
use crate::loopback::is_loopback;

/// The origin of an endpoint from the command line.
pub(crate) const FLAG: &str = "--host";

/// The context name that means Docker's own default.
const DEFAULT_CONTEXT: &str = "default";

/// An endpoint to try, and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub endpoint: Endpoint,
    /// The TLS files for a port; without them the port must be on this machine.
    pub tls: Option<TlsFiles>,
    /// `--host`, `DOCKER_HOST`, a docker context, or the name of the default.
    pub origin: Cow<'static, str>,
}

impl Candidate {
    /// What to open streams to.
    pub(crate) fn target(&self) -> Target {
        match &self.endpoint {
            Endpoint::Unix(path) => Target::Unix(path.clone()),
            Endpoint::Tcp { host, port } => {
                Target::Tcp { host: host.clone(), port: *port, tls: self.tls.clone() }
            }
            Endpoint::Ssh(target) => Target::Command(target.command()),
        }
    }
}

/// The user's settings for the engine's location, and the directories of the defaults.
#[derive(Debug, Default)]
pub struct Places {
    /// `--host`.
    pub flag: Option<String>,
    /// `DOCKER_HOST`.
    pub variable: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub context: Option<String>,
    /// Docker's own directory, where its config file and the contexts are.
    pub folder: Option<PathBuf>,
    /// The current context of Docker's config file.
    pub current: Option<String>,
    /// TLS settings for a port that `--host` or `DOCKER_HOST` names.
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
    Context { origin: &'static str, source: InvalidContext },
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
            Self::Endpoint { .. } => {
                "for an engine on another machine, use ssh://USER@HOST, or tcp://HOST:2376 with TLS"
            }
            Self::Context { source: InvalidContext::Unchecked { .. }, .. } => {
                "add the engine's CA certificate: docker context update NAME --docker \
                 host=…,ca=ca.pem"
            }
            Self::Context { .. } => "list the contexts: docker context ls",
            Self::Plain { .. } => {
                "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory of ca.pem, cert.pem \
                 and key.pem; or use ssh://USER@HOST"
            }
            Self::Unchecked => {
                "set DOCKER_TLS_VERIFY=1 instead, with the engine's ca.pem in DOCKER_CERT_PATH"
            }
            Self::NoFolder { .. } => "set DOCKER_CONFIG to the directory of Docker's config.json",
        }
        .to_owned()
    }
}

/// The endpoints to try, in order. An explicit choice is the only candidate, in Docker's order: the
/// flag, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of the config file. Otherwise the
/// candidates are the system's socket, a rootless engine's and Docker Desktop's.
pub fn candidates(places: &Places) -> Result<Vec<Candidate>, InvalidPlace> {
    // Docker ignores blanks around an endpoint. A line break at the end of a variable is as common.
    let given = |value: &Option<String>| {
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
        value.map(str::to_owned)
    };
    let folder = places.folder.as_deref();
    for (origin, host) in [(FLAG, &places.flag), ("DOCKER_HOST", &places.variable)] {
        if let Some(host) = given(host) {
            return Ok(vec![named(&host, origin.into(), || places.tls.files(folder))?]);
        }
    }
    let (origin, context) = match given(&places.context) {
        Some(context) => ("DOCKER_CONTEXT", Some(context)),
        None => ("currentContext of Docker's config.json", given(&places.current)),
    };
    if let Some(name) = context.filter(|name| name != DEFAULT_CONTEXT) {
        let folder = folder.ok_or(InvalidPlace::NoFolder { wants: "DOCKER_CONTEXT" })?;
        let saved = SavedContext::read(folder, &name)
            .map_err(|source| InvalidPlace::Context { origin, source })?;
        let origin = format!("the docker context `{name}`");
        return Ok(vec![named(&saved.host, origin.into(), || Ok(saved.tls))?]);
    }
    let socket = |path: PathBuf, origin: &'static str| Candidate {
        endpoint: Endpoint::Unix(path),
        tls: None,
        origin: origin.into(),
    };
    let mut found = vec![socket(DEFAULT_SOCKET.into(), "the default socket")];
    if let Some(folder) = &places.runtime_dir {
        found.push(socket(folder.join("docker.sock"), "a rootless engine's socket"));
    }
    if let Some(home) = &places.home {
        found.push(socket(home.join(".docker/run/docker.sock"), "Docker Desktop's socket"));
    }
    Ok(found)
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
    let Endpoint::Tcp { host, .. } = &endpoint else {
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

    fn origins(places: &Places) -> Vec<String> {
        candidates(places).unwrap().into_iter().map(|found| found.origin.into_owned()).collect()
    }

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
    fn an_explicit_choice_is_the_only_candidate_in_dockers_order() {
        let (_kept, folder) = folder(["unix:///far", "unix:///near"]);
        let mut places = Places {
            flag: Some("unix:///flag".into()),
            variable: Some(" unix:///variable\n".into()),
            context: Some("near\n".into()),
            folder,
            current: Some("far".into()),
            ..Places::default()
        };
        assert_eq!(origins(&places), ["--host"]);
        places.flag = None;
        assert_eq!(origins(&places), ["DOCKER_HOST"]);
        places.variable = Some(" ".into());
        assert_eq!(origins(&places), ["the docker context `near`"]);
        places.context = Some("".into());
        let found = candidates(&places).unwrap();
        assert_eq!(found[0].origin, "the docker context `far`");
        assert_eq!(found[0].endpoint.to_string(), "unix:///far");
        places.context = Some("default".into());
        assert_eq!(origins(&places), ["the default socket"]);
    }

    #[test]
    fn without_a_choice_the_default_sockets_are_tried() {
        let places = Places {
            variable: Some("".into()),
            current: Some("".into()),
            runtime_dir: Some("/run/user/1".into()),
            home: Some("/home/a".into()),
            ..Places::default()
        };
        assert_eq!(origins(&places).len(), 3);
        assert_eq!(origins(&Places::default()), ["the default socket"]);
    }

    #[test]
    fn a_remote_port_requires_tls_with_verification() {
        let (_kept, folder) = folder(["tcp://h:2375", "tcp://127.0.0.1:1"]);
        let current = || Some("far".to_owned());
        let base = || Places { folder: folder.clone(), current: current(), ..Places::default() };
        let tls = |verify, unchecked| TlsSettings { verify, unchecked, folder: None };
        for (places, expected) in [
            (
                Places { variable: Some("tcp://h:2375".into()), ..base() },
                "DOCKER_HOST: refusing tcp://h:2375 without TLS",
            ),
            (base(), "the docker context `far`: refusing tcp://h:2375 without TLS"),
            (
                Places { flag: Some("tcp://h:2376".into()), tls: tls(false, true), ..base() },
                "without verification",
            ),
            (
                Places { flag: Some("tcp://127.0.0.1:1".into()), tls: tls(false, true), ..base() },
                "without verification",
            ),
            (
                Places {
                    flag: Some("tcp://h:2376".into()),
                    tls: tls(true, false),
                    folder: None,
                    ..base()
                },
                "DOCKER_TLS_VERIFY is set, but neither HOME",
            ),
            (
                Places { context: Some("far".into()), folder: None, ..base() },
                "DOCKER_CONTEXT is set, but neither HOME",
            ),
            (
                Places { context: Some("gone".into()), ..base() },
                "DOCKER_CONTEXT: there is no docker context",
            ),
        ] {
            let error = candidates(&places).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.help().is_empty());
        }
    }

    #[test]
    fn certificates_are_read_from_dockers_directory() {
        let (kept, folder) = folder(["", ""]);
        let mut places = Places {
            flag: Some("tcp://h:2376".into()),
            folder,
            tls: TlsSettings { verify: true, unchecked: true, folder: None },
            ..Places::default()
        };
        let files = |places: &Places| candidates(places).unwrap().remove(0).tls.unwrap();
        assert_eq!(files(&places), TlsFiles::in_directory(kept.path()));
        places.tls.folder = Some("/certs".into());
        assert_eq!(files(&places), TlsFiles::in_directory(Path::new("/certs")));
        // A socket does not use them.
        places.flag = Some("unix:///a".into());
        assert_eq!(candidates(&places).unwrap()[0].tls, None);
        // A port on this machine may go without TLS.
        let plain = Places { flag: Some("tcp://localhost:1".into()), ..Places::default() };
        assert_eq!(candidates(&plain).unwrap()[0].tls, None);
    }
}
