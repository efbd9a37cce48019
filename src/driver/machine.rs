//! What a build takes from this machine beyond its context and its secrets: SSH agents, named folders.
//!
//! What is missing is found out before anything is built.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::buildkit::session::{Agent, KeyError, KeyFileError, Keyring};
use crate::error::why;
use crate::input::{NamedContext, SecretSource};
use crate::plan::BuildRequest;
use crate::regular;

use super::cache_folders;
use super::preflight::Obstacle;

/// Reads a variable of the environment.
pub type Environment = fn(&str) -> Option<OsString>;

/// The user's cache directory, if there is one.
///
/// Source: <https://specifications.freedesktop.org/basedir-spec/latest/>
pub fn cache_directory(environment: Environment) -> Option<PathBuf> {
    let absolute =
        |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

/// Where the person's own SSH agent listens.
const AGENT_VARIABLE: &str = "SSH_AUTH_SOCK";

/// What of `requests` this machine cannot give.
pub fn missing(requests: &[BuildRequest], environment: Environment) -> Vec<Obstacle> {
    let mut obstacles = cache_folders::obstacles(requests);
    let mut add = |obstacle: Obstacle| {
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
    };
    for request in requests {
        for (name, context) in &request.inputs.contexts {
            if let NamedContext::Folder(path) = context
                && !path.is_dir()
            {
                add(Obstacle {
                    message: format!("the context `{name}` is no folder: {}", path.display()),
                    help: "name a folder that is there, an image (docker-image://REF) or a URL"
                        .to_owned(),
                });
            }
        }
        for (id, places) in &request.inputs.ssh {
            match agent(id, places, environment) {
                Ok(source) => source.open().err().iter().for_each(|error| add(no_key(id, error))),
                Err(obstacle) => add(obstacle),
            }
        }
    }
    obstacles
}

/// Who signs for the steps of a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum AgentSource {
    Socket(PathBuf),
    /// Files of private keys.
    Keys(Vec<PathBuf>),
}

impl AgentSource {
    /// Keys are read here, and are in memory as long as the result.
    pub(super) fn open(&self) -> Result<Agent, KeyFileError> {
        Ok(match self {
            Self::Socket(path) => Agent::Socket(path.clone()),
            Self::Keys(files) => Agent::Keys(Arc::new(Keyring::read(files)?)),
        })
    }
}

/// The SSH agents of `request`. What has none is left out: [`missing`] has told.
pub(super) fn agents(
    request: &BuildRequest,
    environment: Environment,
) -> Vec<(String, AgentSource)> {
    let source = |(id, places): (&String, &Vec<PathBuf>)| {
        Some((id.clone(), agent(id, places, environment).ok()?))
    };
    request.inputs.ssh.iter().filter_map(source).collect()
}

/// Finds out what `places` are; keys are not read.
fn agent(id: &str, places: &[PathBuf], environment: Environment) -> Result<AgentSource, Obstacle> {
    if places.is_empty() {
        let running = environment(AGENT_VARIABLE).filter(|path| !path.is_empty());
        let socket = running.map(PathBuf::from).ok_or_else(|| Obstacle {
            message: format!("no SSH agent runs here for `{id}`: {AGENT_VARIABLE} is not set"),
            help: format!(
                "start one (eval \"$(ssh-agent)\" && ssh-add), or name its socket or the file of a \
                 private key: --ssh {id}=PATH"
            ),
        })?;
        return match kind(&socket) {
            Ok(Kind::Socket) => Ok(AgentSource::Socket(socket)),
            found => Err(unreachable(id, &socket, found.err())),
        };
    }
    let mut keys = Vec::new();
    for place in places {
        match kind(place) {
            Ok(Kind::File) => keys.push(place.clone()),
            Ok(Kind::Socket) if places.len() == 1 => return Ok(AgentSource::Socket(place.clone())),
            Ok(Kind::Socket) => {
                return Err(Obstacle {
                    message: format!("the SSH agent `{id}` has {} places", places.len()),
                    help: "one agent listens on one socket: give each an id of its own".to_owned(),
                });
            }
            found => return Err(unreachable(id, place, found.err())),
        }
    }
    Ok(AgentSource::Keys(keys))
}

enum Kind {
    Socket,
    File,
}

fn kind(path: &Path) -> io::Result<Kind> {
    let found = fs::metadata(path)?;
    if found.file_type().is_socket() {
        return Ok(Kind::Socket);
    }
    regular::check(&found)?;
    Ok(Kind::File)
}

fn unreachable(id: &str, path: &Path, error: Option<io::Error>) -> Obstacle {
    let shown = path.display();
    let why = error.map_or_else(|| "it is no socket".to_owned(), |error| why(&error));
    let help = match path.starts_with("~") {
        true => {
            "no shell has put your home folder in place of `~`: write the path in full".to_owned()
        }
        false => format!("name an agent's socket or the file of a private key: --ssh {id}=PATH"),
    };
    Obstacle { message: format!("the SSH agent `{id}` is out of reach: {shown}: {why}"), help }
}

/// What to do about a file that gives no key.
fn no_key(id: &str, KeyFileError { path, error }: &KeyFileError) -> Obstacle {
    let shown = path.display();
    let help = match error {
        KeyError::Public => match shown.to_string().strip_suffix(".pub") {
            Some(private) => format!("name the private one: --ssh {id}={private}"),
            None => "name the file of the private one".to_owned(),
        },
        KeyError::OlderForm => format!("write it anew: ssh-keygen -p -f {shown}"),
        KeyError::Encrypted | KeyError::Kind(_) => {
            format!("put it into an agent: ssh-add {shown}, then --ssh {id} forwards the agent")
        }
        KeyError::Unreadable(_) | KeyError::NoKey => {
            format!("name the file of a private key: --ssh {id}=PATH")
        }
    };
    Obstacle { message: format!("the SSH key of `{id}` cannot be used: {shown}: {error}"), help }
}

/// What to do when a build asked for a secret, an agent or a context in vain, as `message` of
/// BuildKit says.
pub(super) fn unanswered(message: &str, request: &BuildRequest) -> Option<String> {
    // All that BuildKit 0.25 says of a URL that is no Git repository.
    let url = |context: &NamedContext| matches!(context, NamedContext::Url(_));
    if message.ends_with("invalid argument") && request.inputs.contexts.values().any(url) {
        let help = "this engine's BuildKit may take Git repositories alone as URLs of contexts: \
                    fetch the file into a folder, and name that";
        return Some(help.to_owned());
    }
    if let Some(id) = asked(message, "secret ", ": not found") {
        return Some(match request.inputs.secrets.get(id).map(|secret| &secret.source) {
            Some(SecretSource::Variable(name)) => {
                format!("the secret `{id}` is the variable {name}, which is not set: set it")
            }
            _ => format!("give it: --secret id={id},src=FILE or --secret id={id},env=VARIABLE"),
        });
    }
    let id = asked(message, "no SSH agent is forwarded as `", "`")?;
    Some(format!(
        "forward one: --ssh {id} for the agent that runs, or --ssh {id}=PATH for a \
                  socket or a private key"
    ))
}

/// What stands between `before` and `after`, one word.
fn asked<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    let (id, _) = rest.split_once(after)?;
    (!id.is_empty() && !id.contains(char::is_whitespace)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<OsString> {
        None
    }

    #[test]
    fn an_agent_is_a_socket_or_keys_and_the_running_one_where_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        fs::write(path("key"), "").unwrap();
        fs::write(path("other"), "").unwrap();
        let found = |places: &[PathBuf]| agent("a", places, none);
        assert_eq!(found(&[path("socket")]).unwrap(), AgentSource::Socket(path("socket")));
        let keys = vec![path("key"), path("other")];
        assert_eq!(found(&keys).unwrap(), AgentSource::Keys(keys));
        let running: Environment = |name| (name == AGENT_VARIABLE).then(|| "/".into());
        assert!(agent("a", &[], running).unwrap_err().message.contains("/: it is a directory"));
        for (places, word, help) in [
            (vec![], "SSH_AUTH_SOCK is not set", "--ssh a=PATH"),
            (vec![path("gone")], "no such file", "--ssh a=PATH"),
            (vec!["~/.ssh/id".into()], "no such file", "in place of `~`"),
            (vec![folder.path().to_owned()], "it is a directory", "--ssh a=PATH"),
            (vec![path("key"), path("socket")], "2 places", "id of its own"),
        ] {
            let obstacle = found(&places).unwrap_err();
            assert!(obstacle.message.contains(word), "{}", obstacle.message);
            assert!(!obstacle.message.contains("os error"), "{}", obstacle.message);
            assert!(obstacle.help.contains(help), "{}", obstacle.help);
        }
    }
}
