//! The SSH agents that a build takes from this machine: sockets, or private keys in files.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::buildkit::session::{Agent, KeyFileError, Keyring};
use crate::error::why;
use crate::plan::BuildRequest;
use crate::regular;

use crate::driver::environment::Environment;
use crate::driver::obstacle::Obstacle;

/// Where the person's own SSH agent listens.
const AGENT_VARIABLE: &str = "SSH_AUTH_SOCK";

/// Who signs for the steps of a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AgentSource {
    Socket(PathBuf),
    /// Files of private keys.
    Keys(Vec<PathBuf>),
}

impl AgentSource {
    /// Keys are read here, and are in memory as long as the result.
    pub(crate) fn open(&self) -> Result<Agent, KeyFileError> {
        Ok(match self {
            Self::Socket(path) => Agent::Socket(path.clone()),
            Self::Keys(files) => Agent::Keys(Arc::new(Keyring::read(files)?)),
        })
    }
}

/// The SSH agents of `request`. What has none is left out: [`missing`](crate::driver::missing) has told.
pub(crate) fn agents(
    request: &BuildRequest,
    environment: Environment,
) -> Vec<(String, AgentSource)> {
    let source = |(id, places): (&String, &Vec<PathBuf>)| {
        Some((id.clone(), agent(id, places, environment).ok()?))
    };
    request.recipe.inputs.ssh.iter().filter_map(source).collect()
}

/// Finds out what `places` are; keys are not read.
pub(crate) fn agent(
    id: &str,
    places: &[PathBuf],
    environment: Environment,
) -> Result<AgentSource, Obstacle> {
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

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
