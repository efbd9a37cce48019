//! Where the engine may be: the flag, the environment, the sockets that Docker uses by default.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

/// A place where a Docker Engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text is not an endpoint.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidEndpoint {
    #[error("`{given}` has no path: write unix:///var/run/docker.sock")]
    NoPath { given: String },
    #[error("`{given}` cannot be reached yet: onebuild speaks to unix:// sockets only")]
    Scheme { given: String },
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = || text.to_owned();
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("unix", _)) => Err(InvalidEndpoint::NoPath { given: given() }),
            Some((scheme, rest)) => {
                // What stands before an `@` may be a password.
                let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                Err(InvalidEndpoint::Scheme { given: format!("{scheme}://{rest}") })
            }
            None if text.starts_with('/') => Ok(Self::Unix(text.into())),
            None => Err(InvalidEndpoint::Scheme { given: given() }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// An endpoint worth trying, and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub endpoint: Endpoint,
    /// `--host`, `DOCKER_HOST`, or which default it is.
    pub origin: &'static str,
}

/// What the person said of where the engine is, and where defaults are looked for.
#[derive(Debug, Default)]
pub struct Places<'a> {
    /// `--host`.
    pub flag: Option<&'a str>,
    /// `DOCKER_HOST`.
    pub variable: Option<&'a str>,
    /// `XDG_RUNTIME_DIR`, where a rootless engine listens.
    pub runtime_dir: Option<&'a Path>,
    /// The home folder, where Docker Desktop listens.
    pub home: Option<&'a Path>,
}

/// The endpoints to try, in order. What the person named is the only one; without it come the
/// system's socket, a rootless engine's and Docker Desktop's.
pub fn candidates(places: &Places<'_>) -> Result<Vec<Candidate>, (&'static str, InvalidEndpoint)> {
    let named = [("--host", places.flag), ("DOCKER_HOST", places.variable)];
    for (origin, given) in named {
        if let Some(given) = given.filter(|given| !given.is_empty()) {
            let endpoint = given.parse().map_err(|error| (origin, error))?;
            return Ok(vec![Candidate { endpoint, origin }]);
        }
    }
    let socket = |path: PathBuf, origin| Candidate { endpoint: Endpoint::Unix(path), origin };
    let mut found = vec![socket("/var/run/docker.sock".into(), "the default socket")];
    if let Some(folder) = places.runtime_dir {
        found.push(socket(folder.join("docker.sock"), "a rootless engine's socket"));
    }
    if let Some(home) = places.home {
        found.push(socket(home.join(".docker/run/docker.sock"), "Docker Desktop's socket"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_docker_reads_them() {
        assert_eq!("unix:///a/b.sock".parse(), Ok(Endpoint::Unix("/a/b.sock".into())));
        assert_eq!("/a/b.sock".parse(), Ok(Endpoint::Unix("/a/b.sock".into())));
        for text in ["unix://", "unix://a", "tcp://127.0.0.1:2375", "ssh://u@h", "nonsense", ""] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_that_is_refused_shows_no_password() {
        let error = "tcp://user:hunter2@host:2376".parse::<Endpoint>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn what_the_person_named_is_the_only_place_tried() {
        let places = Places {
            flag: Some("unix:///flag"),
            variable: Some("unix:///variable"),
            ..Places::default()
        };
        let origins = |places: &Places<'_>| -> Vec<&str> {
            candidates(places).unwrap().into_iter().map(|candidate| candidate.origin).collect()
        };
        assert_eq!(origins(&places), ["--host"]);
        assert_eq!(origins(&Places { flag: None, ..places }), ["DOCKER_HOST"]);
        let places = Places {
            variable: Some(""),
            runtime_dir: Some(Path::new("/run/user/1")),
            home: Some(Path::new("/home/a")),
            ..Places::default()
        };
        assert_eq!(origins(&places).len(), 3);
    }
}
