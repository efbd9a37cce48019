//! Finding the engine, and saying what to do when none is found.

use std::env;
use std::io;
use std::path::PathBuf;

use crate::docker::{
    Candidate, CredentialError, Credentials, DockerConfig, Engine, EngineError, Places, candidates,
    config_path,
};
use crate::error::{Error, ErrorKind, why};

/// The engine that `--host`, `DOCKER_HOST` or the defaults lead to.
pub(super) async fn connect(flag: Option<&str>) -> Result<Engine, Error> {
    let variable = env::var("DOCKER_HOST").ok();
    let runtime_dir = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let home = env::var_os("HOME").map(PathBuf::from);
    let places = Places {
        flag,
        variable: variable.as_deref(),
        runtime_dir: runtime_dir.as_deref(),
        home: home.as_deref(),
    };
    let candidates = candidates(&places).map_err(|(origin, invalid)| {
        let kind = if flag.is_some() { ErrorKind::Usage } else { ErrorKind::Environment };
        Error::new(kind, format!("{origin}: {invalid}")).help(
            "an engine elsewhere can be brought here: \
             ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST",
        )
    })?;
    Engine::connect(candidates).await.map_err(Error::from)
}

/// The credentials that `docker login` left behind.
pub(super) fn credentials() -> Result<Credentials, Error> {
    let variable = env::var_os("DOCKER_CONFIG");
    let home = env::var_os("HOME");
    let search_path = env::var_os("PATH").unwrap_or_default();
    let config = match config_path(variable.as_deref(), home.as_deref()) {
        Some(path) => DockerConfig::read(&path)?,
        None => DockerConfig::default(),
    };
    Ok(Credentials::new(config, &search_path))
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let EngineError::NoneAnswers { tried } = &error else {
            return Self::new(ErrorKind::Environment, error.to_string());
        };
        let denied =
            tried.iter().any(|(_, reason)| reason.kind() == io::ErrorKind::PermissionDenied);
        let help = if denied {
            "you may not open the socket: run as a user of the group that owns it (`docker`), or \
             name another engine with --host"
        } else {
            "start Docker, or name its socket: --host unix:///path/to/docker.sock"
        };
        let note = |(Candidate { endpoint, origin }, reason): &(Candidate, io::Error)| {
            format!("{endpoint} ({origin}): {}", why(reason))
        };
        let told = Self::new(ErrorKind::Environment, error.to_string()).help(help);
        tried.iter().fold(told, |told, one| told.note(note(one)))
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::new(ErrorKind::Environment, error.to_string()).help(error.help())
    }
}
