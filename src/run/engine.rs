//! Finds Docker Engines, and reports what to do if there is none.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::EngineFlag;
use crate::debug;
use crate::docker::{
    AUTH_VARIABLE, Builders, Candidate, CredentialError, Credentials, DEFAULT_SOCKET, DockerConfig,
    Endpoint, Engine, EngineError, FLAG, InvalidPlace, NOT_THROUGH, Places, Refused, SshTarget,
    TlsSettings, config_path, password,
};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, visible, why};
use crate::node::choose::{self, Choice, DOCKER_HOST, Named, Settings, choose_docker};
use crate::node::{IsBuildkit, Node, NodeError, buildkit_there};
use crate::proxy::Proxies;
use crate::run::terminal;

/// The settings that can name an engine.
pub(super) fn settings(flag: &EngineFlag, docker: &DockerConfig) -> Settings {
    let text = |name: &str| env::var(name).ok();
    let (host, builder) = match flag {
        EngineFlag::None => (None, None),
        EngineFlag::Host(host) => (Some(host.clone()), None),
        EngineFlag::Builder(name) => (None, Some(name.clone())),
    };
    Settings {
        host,
        builder,
        onebuild_host: text(choose::ONEBUILD_HOST),
        buildx_builder: text(choose::BUILDX_BUILDER),
        docker_host: text(choose::DOCKER_HOST),
        docker_context: text(choose::DOCKER_CONTEXT),
        current_context: docker.current_context().map(str::to_owned),
        buildkit_host: text(choose::BUILDKIT_HOST),
        has_default_socket: Path::new(DEFAULT_SOCKET).exists(),
    }
}

/// Docker's directories, and its settings for TLS.
pub(super) fn places() -> Places {
    let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    Places {
        folder: config_file().and_then(|path| Some(path.parent()?.to_owned())),
        tls: TlsSettings {
            verify: is_set("DOCKER_TLS_VERIFY"),
            unchecked: is_set("DOCKER_TLS"),
            folder: path("DOCKER_CERT_PATH"),
        },
        runtime_dir: path("XDG_RUNTIME_DIR"),
        home: path("HOME"),
    }
}

/// The builders of buildx.
pub(super) fn builders() -> Option<Builders> {
    let own = env::var_os("BUILDX_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = own.or_else(|| Some(config_file()?.parent()?.join("buildx")))?;
    Some(Builders::new(folder))
}

/// Connects to a Docker Engine: the one at `flag`, else the one that Docker's variables, a docker context or
/// the default sockets name.
pub(crate) async fn connect_docker(
    flag: Option<&str>,
    docker: &DockerConfig,
) -> Result<Engine, Error> {
    let candidates = match flag {
        Some(host) => vec![places().host(host, FLAG)?],
        None => candidates(&choose_docker(&settings(&EngineFlag::None, docker)))?,
    };
    connect_to(candidates, docker).await
}

/// Connects to the Docker Engine around a container with BuildKit. `what` needs it.
pub(super) async fn docker_around(what: &str, docker: &DockerConfig) -> Result<Engine, Error> {
    let choice = choose_docker(&settings(&EngineFlag::None, docker));
    let failed = |error: Error| match choice.named {
        // `--host` names something else here.
        Named::Sockets => error
            .during(what)
            .help("start Docker, or name its socket: DOCKER_HOST=unix:///path/to/docker.sock"),
        _ => error.during(what),
    };
    connect_to(candidates(&choice)?, docker).await.map_err(failed)
}

/// The same buildkitd with the Docker Engine for its images and smoke tests: the one around its container,
/// or the one that Docker's variables, a docker context or the defaults select. `what` needs it.
pub(crate) async fn with_docker(
    node: Node,
    docker: &DockerConfig,
    what: &str,
    help: &str,
) -> Result<Node, Error> {
    let found = async {
        let engine = match node.engine() {
            Some(engine) => engine.clone(),
            None => connect_docker(None, docker).await?,
        };
        Ok::<_, Error>(Node::of_engine(engine).await?)
    };
    let found = found.await.map_err(|error| error.during(what).help(help))?;
    Ok(node.with_docker(found))
}

/// Where the Docker Engine of a choice can be.
pub(super) fn candidates(choice: &Choice) -> Result<Vec<Candidate>, Error> {
    let (places, origin) = (places(), choice.origin.unwrap_or_default());
    Ok(match &choice.named {
        Named::Docker(host) => vec![places.host(host, DOCKER_HOST)?],
        Named::Context(name) => vec![places.context(name, origin)?],
        Named::Host(host) => vec![places.host(host, origin)?],
        Named::Sockets | Named::Builder(_) | Named::Buildctl(_) => places.sockets(),
    })
}

/// Connects to the first Docker Engine of `candidates` that answers.
pub(super) async fn connect_to(
    candidates: Vec<Candidate>,
    docker: &DockerConfig,
) -> Result<Engine, Error> {
    let is_alone = candidates.len() == 1;
    let silent = |candidate: &Candidate, reason: &io::Error| {
        if is_alone {
            return;
        }
        // If the next one answers, there is no error that explains the delay.
        let (endpoint, why) = (&candidate.endpoint, visible(&why(reason)));
        terminal::stderr(&format!("warning: {endpoint}: {why}\n"));
    };
    let engine = match Engine::connect_or(candidates, docker.headers(), silent).await {
        Ok(engine) => engine,
        Err(error) => return Err(buildkit_there(error).await.into()),
    };
    warn_plain(engine.endpoint(), engine.plain());
    Ok(engine)
}

/// Warns about a port without TLS, which `who` can control.
pub(super) fn warn_plain(address: &impl fmt::Display, who: Option<&str>) {
    if let Some(who) = who {
        terminal::stderr(&format!("warning: {address} has no TLS: {who} can control it\n"));
    }
}

/// The path of Docker's config file.
fn config_file() -> Option<PathBuf> {
    config_path(env::var_os("DOCKER_CONFIG").as_deref(), env::var_os("HOME").as_deref())
}

/// Docker's config file and the logins of `DOCKER_AUTH_CONFIG`. Warns about what cannot be read, as
/// Docker does; `strict` makes that an error.
pub(crate) fn docker_config(strict: bool) -> Result<DockerConfig, Error> {
    let config = config_file().map_or_else(DockerConfig::default, |path| DockerConfig::read(&path));
    let config = with_variable(config);
    config.proxy_passwords().iter().for_each(|password| debug::hide(password.expose()));
    config.headers().values().for_each(debug::hide);
    let mut warnings = Diagnostics::default();
    for problem in config.problems() {
        warnings.push(Diagnostic::warning(problem.to_string()).help(problem.help()));
    }
    if strict && warnings.has_warnings() {
        return Err(Error::found(ErrorKind::Environment, warnings.into_errors()));
    }
    terminal::warn(&warnings, false)?;
    Ok(config)
}

/// The same to store a login in it, without warnings.
pub(crate) fn config_to_change() -> Result<DockerConfig, Error> {
    let path = config_file().ok_or_else(|| {
        let message = "neither HOME nor DOCKER_CONFIG says where Docker keeps its files";
        let help = "set DOCKER_CONFIG to the directory of Docker's config.json";
        Error::new(ErrorKind::Environment, message).help(help)
    })?;
    Ok(with_variable(DockerConfig::read(&path)))
}

fn with_variable(config: DockerConfig) -> DockerConfig {
    match env::var_os(AUTH_VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) => config.with_logins_of_variable(&value),
        None => config,
    }
}

/// The logins of `docker login` and of `DOCKER_AUTH_CONFIG`.
pub(crate) fn credentials(config: DockerConfig) -> Credentials {
    Credentials::new(config, &env::var_os("PATH").unwrap_or_default())
}

/// The proxies for requests to registries and to the sources of axis values.
pub(crate) fn proxies() -> Proxies {
    Proxies::from_environment(|name| {
        let value = env::var(name).ok();
        if let Some(password) = value.as_deref().and_then(password) {
            debug::hide(password);
        }
        value
    })
}

/// Help for connections that sshd closes before the login.
const REJECTED: &str = "sshd may reject connections while others log in: raise MaxStartups in its sshd_config, \
     or let ssh share its logins (ControlMaster in ~/.ssh/config)";

/// Help for an engine that accepts connections but does not answer.
const SILENT: &str = "check whether `docker version` hangs too; if so, restart the engine";

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let EngineError::NoneAnswers { tried } = &error else {
            let failed = Self::new(ErrorKind::Environment, error.to_string());
            return match (&error, error.help()) {
                (EngineError::Silent { .. }, _) => failed.help(SILENT),
                (_, Some(help)) => failed.help(help),
                (_, None) => failed,
            };
        };
        let denied =
            tried.iter().any(|(_, reason)| reason.kind() == io::ErrorKind::PermissionDenied);
        let buildkit = tried.iter().find_map(|(_, reason)| {
            reason.get_ref().and_then(|inner| inner.downcast_ref::<IsBuildkit>())
        });
        let is_refused = tried
            .iter()
            .any(|(_, reason)| reason.get_ref().is_some_and(|inner| inner.is::<Refused>()));
        let elsewhere = tried.first().map(|(candidate, _)| candidate);
        let help = match elsewhere {
            _ if let Some(buildkit) = buildkit => {
                format!("to build with it, write --host '{}'", buildkit.address)
            }
            _ if is_refused => NOT_THROUGH.to_owned(),
            _ if error.is_rejected() => REJECTED.to_owned(),
            Some(Candidate { endpoint: Endpoint::Ssh(_), .. })
                if tried.iter().any(|(_, reason)| reason.kind() == io::ErrorKind::NotFound) =>
            {
                "install OpenSSH's client, or add its directory to PATH".to_owned()
            }
            // ssh accepts such an address without the socket.
            Some(Candidate { endpoint: Endpoint::Ssh(target), .. }) => format!(
                "check that this works without a prompt: ssh -o BatchMode=yes {} docker version",
                Endpoint::Ssh(SshTarget { socket: None, ..target.clone() })
            ),
            Some(Candidate { tls: Some(files), .. }) => format!(
                "check that the port is the engine's, that the CA certificate is the engine's, and that \
                 the engine trusts the client certificate and key ({files})"
            ),
            Some(Candidate { endpoint: Endpoint::Tcp { .. }, .. }) => {
                "check that the port is the engine's; if it requires TLS, set DOCKER_TLS_VERIFY=1, \
                 and DOCKER_CERT_PATH to the directory of ca.pem, cert.pem and key.pem"
                    .to_owned()
            }
            _ if tried.iter().any(|(_, reason)| reason.kind() == io::ErrorKind::TimedOut) => {
                SILENT.to_owned()
            }
            Some(Candidate { endpoint: Endpoint::Unix(path), .. }) if path.is_relative() => {
                format!(
                    "start Docker, or name its socket with its whole path: --host unix:///{}",
                    path.display()
                )
            }
            _ if denied => "no permission for the socket: run as a user in the group that owns it \
                            (`docker`), or name another engine with --host"
                .to_owned(),
            _ => "start Docker, or name its socket: --host unix:///path/to/docker.sock".to_owned(),
        };
        let note = |(Candidate { endpoint, origin, .. }, reason): &(Candidate, io::Error)| {
            format!("{endpoint} ({origin}): {}", why(reason))
        };
        let failed = Self::new(ErrorKind::Environment, error.to_string()).help(help);
        tried.iter().fold(failed, |failed, one| failed.note(note(one)))
    }
}

impl From<NodeError> for Error {
    fn from(error: NodeError) -> Self {
        let NodeError::Engine(error) = error else {
            let failed = Self::new(ErrorKind::Environment, error.to_string());
            return match error.help() {
                Some(help) => failed.help(help),
                None => failed,
            };
        };
        error.into()
    }
}

impl From<InvalidPlace> for Error {
    fn from(error: InvalidPlace) -> Self {
        let kind = match &error {
            InvalidPlace::Endpoint { origin, .. } if origin == FLAG => ErrorKind::Usage,
            InvalidPlace::Plain { origin, .. } if origin == FLAG => ErrorKind::Usage,
            _ => ErrorKind::Environment,
        };
        Self::new(kind, error.to_string()).help(error.help())
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        Self::new(ErrorKind::Environment, error.to_string()).help(error.help())
    }
}
