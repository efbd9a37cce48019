//! SSH agents that a build uses from this machine: sockets, or private keys in files.

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

/// The variable with the socket of the user's SSH agent.
const AGENT_VARIABLE: &str = "SSH_AUTH_SOCK";

/// What signs for the steps of a build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AgentSource {
    Socket(PathBuf),
    /// Files of private keys.
    Keys(Vec<PathBuf>),
}

impl AgentSource {
    /// Reads the keys; they stay in memory as long as the result exists.
    pub(crate) fn open(&self) -> Result<Agent, KeyFileError> {
        Ok(match self {
            Self::Socket(path) => Agent::Socket(path.clone()),
            Self::Keys(files) => Agent::Keys(Arc::new(Keyring::read(files)?)),
        })
    }
}

/// The SSH agents of `request`. An unavailable one is omitted:
/// [`missing`](crate::driver::missing) already reported it.
pub(crate) fn agents(
    request: &BuildRequest,
    environment: Environment,
) -> Vec<(String, AgentSource)> {
    let source = |(id, paths): (&String, &Vec<PathBuf>)| {
        Some((id.clone(), agent(id, paths, environment).ok()?))
    };
    request.recipe.inputs.ssh.iter().filter_map(source).collect()
}

/// Checks whether `paths` are a socket or key files. Does not read the keys.
pub(crate) fn agent(
    id: &str,
    paths: &[PathBuf],
    environment: Environment,
) -> Result<AgentSource, Obstacle> {
    if paths.is_empty() {
        let running = environment(AGENT_VARIABLE).filter(|path| !path.is_empty());
        let socket = running.map(PathBuf::from).ok_or_else(|| Obstacle {
            message: format!("no SSH agent for `{id}`: {AGENT_VARIABLE} is not set"),
            help: format!(
                "start one (eval \"$(ssh-agent)\" && ssh-add), or use a socket or the file of a \
                 private key: --ssh {id}=PATH"
            ),
        })?;
        return match kind(&socket) {
            Ok(Kind::Socket) => Ok(AgentSource::Socket(socket)),
            found => Err(unreachable(id, &socket, found.err())),
        };
    }
    let mut keys = Vec::new();
    for path in paths {
        match kind(path) {
            Ok(Kind::File) => keys.push(path.clone()),
            Ok(Kind::Socket) if paths.len() == 1 => return Ok(AgentSource::Socket(path.clone())),
            Ok(Kind::Socket) => {
                return Err(Obstacle {
                    message: format!("the SSH agent `{id}` has {} paths", paths.len()),
                    help: "an agent has one socket: use a separate ID for each".to_owned(),
                });
            }
            found => return Err(unreachable(id, path, found.err())),
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
    let why = error.map_or_else(|| "it is not a socket".to_owned(), |error| why(&error));
    let help = match path.starts_with("~") {
        true => "the shell did not expand `~`: write the full path".to_owned(),
        false => format!("use an agent's socket or the file of a private key: --ssh {id}=PATH"),
    };
    Obstacle { message: format!("cannot use the SSH agent `{id}`: {shown}: {why}"), help }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn none(_: &str) -> Option<OsString> {
        None
    }

    #[test]
    fn an_agent_is_a_socket_or_keys_and_by_default_the_running_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let _listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        fs::write(path("key"), "").unwrap();
        fs::write(path("other"), "").unwrap();
        let found = |paths: &[PathBuf]| agent("a", paths, none);
        assert_eq!(found(&[path("socket")]).unwrap(), AgentSource::Socket(path("socket")));
        let keys = vec![path("key"), path("other")];
        assert_eq!(found(&keys).unwrap(), AgentSource::Keys(keys));
        let running: Environment = |name| (name == AGENT_VARIABLE).then(|| "/".into());
        assert!(agent("a", &[], running).unwrap_err().message.contains("/: it is a directory"));
        for (paths, word, help) in [
            (vec![], "SSH_AUTH_SOCK is not set", "--ssh a=PATH"),
            (vec![path("gone")], "no such file", "--ssh a=PATH"),
            (vec!["~/.ssh/id".into()], "no such file", "did not expand `~`"),
            (vec![directory.path().to_owned()], "it is a directory", "--ssh a=PATH"),
            (vec![path("key"), path("socket")], "2 paths", "separate ID"),
        ] {
            let obstacle = found(&paths).unwrap_err();
            assert!(obstacle.message.contains(word), "{}", obstacle.message);
            assert!(!obstacle.message.contains("os error"), "{}", obstacle.message);
            assert!(obstacle.help.contains(help), "{}", obstacle.help);
        }
    }
}
