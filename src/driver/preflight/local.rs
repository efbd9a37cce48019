//! What this machine lacks: directories of contexts and caches, SSH agents and keys.

use crate::buildkit::session::{KeyError, KeyFileError};
use crate::driver::caches::directories;
use crate::driver::environment::Environment;
use crate::driver::obstacle::Obstacle;
use crate::driver::sessions::agents::agent;
use crate::input::NamedContext;
use crate::plan::BuildRequest;

/// What of `requests` this machine cannot give.
pub fn missing(requests: &[BuildRequest], environment: Environment) -> Vec<Obstacle> {
    let mut obstacles = directories::obstacles(requests);
    let mut add = |obstacle: Obstacle| {
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
    };
    for request in requests {
        for (name, context) in &request.recipe.inputs.contexts {
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
        for (id, places) in &request.recipe.inputs.ssh {
            match agent(id, places, environment) {
                Ok(source) => source.open().err().iter().for_each(|error| add(no_key(id, error))),
                Err(obstacle) => add(obstacle),
            }
        }
    }
    obstacles
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
