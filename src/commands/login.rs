//! `onebuild login` and `onebuild logout`: the logins that Docker and onebuild share.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::LoginConfig;
use crate::debug;
use crate::docker::{AUTH_VARIABLE, CredentialError, Credentials, DockerConfig, Secret, Stored};
use crate::error::{Error, ErrorKind, visible, why};
use crate::failure::{Phase, RegistryFault, Request};
use crate::image::{Reference, Repository};
use crate::registry::{Patience, RegistryClient};
use crate::run::{self, engine, terminal};
use crate::text::redact_login;

/// Far longer than any password or token.
const MAX_PASSWORD: u64 = 64 << 10;

const NO_PASSWORD: &str = "pipe the password or a token into the command: echo \"$TOKEN\" | onebuild \
                           login HOST --username NAME --password-stdin";

/// Checks a login with its registry and stores it.
pub(super) fn log_in(config: &LoginConfig) -> Result<ExitCode, Error> {
    let registry = registry(&config.registry)?;
    let (host, username) = (registry.host(), config.username.as_str());
    if username.is_empty() || username.chars().any(|c| c == ':' || c.is_control()) {
        // What follows a colon may be the password.
        let shown = username.split_once(':').map(|(user, _)| format!("{user}:***"));
        let shown = shown.unwrap_or_else(|| username.to_owned());
        let message = format!("`{}` is not a user name", visible(&shown));
        return Err(Error::new(ErrorKind::Usage, message).help("it must not contain a colon"));
    }
    let password = password()?;
    debug::hide(password.expose());
    let credentials = credentials()?;
    let stored = run::runtime()?.block_on(async {
        check(&registry, username, &password).await?;
        credentials.store(host, username, &password).await.map_err(Error::from)
    })?;
    let mut said = match stored {
        Stored::File(path) => format!(
            "warning: the password is stored unencrypted in {}\n |\n = help: a credential helper \
             stores it in a keychain: https://docs.docker.com/go/credential-store/\n",
            path.display()
        ),
        Stored::Helper(_) => String::new(),
    };
    if credentials.is_given(host) {
        said += &format!(
            "warning: {AUTH_VARIABLE} has another login for {host}, which is used instead\n"
        );
    }
    terminal::stderr(&format!("{said}logged in to {host} as {username}\n"));
    Ok(ExitCode::SUCCESS)
}

/// Removes the login of a registry.
pub(super) fn log_out(registry: &str) -> Result<ExitCode, Error> {
    let registry = self::registry(registry)?;
    let host = registry.host();
    let credentials = credentials()?;
    let is_erased = run::runtime()?.block_on(credentials.erase(host))?;
    terminal::stderr(&match is_erased {
        true => format!("logged out of {host}\n"),
        false => format!("note: there was no login for {host}\n"),
    });
    if credentials.is_given(host) {
        terminal::stderr(&format!("warning: {AUTH_VARIABLE} still has a login for {host}\n"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The registry that `given` names, as a repository that need not exist. Docker ignores a scheme and
/// a path.
fn registry(given: &str) -> Result<Repository, Error> {
    let bare = given.strip_prefix("https://").or_else(|| given.strip_prefix("http://"));
    let host = bare.unwrap_or(given).split('/').next().unwrap_or_default();
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    };
    let repository = format!("{host}/library/login").parse::<Repository>().ok();
    // A name without a dot is the first part of a path.
    repository.filter(|repository| repository.host() == host).ok_or_else(|| {
        Error::new(
            ErrorKind::Usage,
            format!("`{}` is not a registry", visible(&redact_login(given))),
        )
        .help("write a host name, with a port if it has one: ghcr.io, localhost:5000")
    })
}

/// The password from stdin, without the line break at its end.
fn password() -> Result<Secret, Error> {
    let wrong = |message: String| Error::new(ErrorKind::Usage, message).help(NO_PASSWORD);
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(wrong("stdin is a terminal, which would show the password".to_owned()));
    }
    let mut text = String::new();
    let read = stdin.lock().take(MAX_PASSWORD + 1).read_to_string(&mut text);
    read.map_err(|error| wrong(format!("stdin cannot be read: {}", why(&error))))?;
    if text.len() as u64 > MAX_PASSWORD {
        return Err(wrong(format!("stdin has more than {} KiB", MAX_PASSWORD >> 10)));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.is_empty() {
        true => Err(wrong("stdin has no password".to_owned())),
        false => Ok(Secret::new(text)),
    }
}

/// Fails if the registry does not accept the login.
async fn check(registry: &Repository, username: &str, password: &Secret) -> Result<(), Error> {
    let host = registry.host();
    let login = DockerConfig::of_login(host, username, password);
    let login = Arc::new(Credentials::new(login, OsStr::new("")));
    let client = RegistryClient::new(login, Patience::default(), engine::proxies());
    let Err(fault) = client.accepts_login(host).await else { return Ok(()) };
    let image = Reference { repository: registry.clone(), tag: None, digest: None };
    let request = Request { host, phase: Phase::Push, image: &image, by_engine: false };
    let failed = |message: String| Error::new(ErrorKind::Environment, message);
    Err(match &fault {
        RegistryFault::Unauthorized { .. } | RegistryFault::Denied { .. } => {
            failed(format!("{host} rejected the login of `{}`", visible(username)))
                .help("check the user name; instead of the password, many registries need a token")
        }
        RegistryFault::NotFound => {
            failed(format!("{host} has no registry: GET /v2/ was not found"))
                .help("check the host name and the port")
        }
        fault => {
            let error = failed(fault.cause(&request));
            match fault.help(&request) {
                Some(help) => error.help(help),
                None => error,
            }
        }
    })
}

/// The logins of this machine. Unlike a build, this cannot go on with a file that cannot be read.
fn credentials() -> Result<Credentials, Error> {
    let config = engine::config_to_change()?;
    let is_of_file = |problem: &&CredentialError| {
        matches!(
            problem,
            CredentialError::UnreadableConfig { .. } | CredentialError::MalformedConfig { .. }
        )
    };
    match config.problems().iter().find(is_of_file) {
        Some(problem) => Err(problem.clone().into()),
        None => Ok(engine::credentials(config)),
    }
}
