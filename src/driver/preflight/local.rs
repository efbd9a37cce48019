//! Checks what a build needs from this machine: directories of contexts and caches, SSH agents, keys.

use crate::buildkit::session::{KeyError, KeyFileError};
use crate::driver::caches::directories;
use crate::driver::environment::Environment;
use crate::driver::obstacle::Obstacle;
use crate::driver::sessions::agents::agent;
use crate::driver::sessions::layouts;
use crate::input::NamedContext;
use crate::plan::BuildRequest;

/// What `requests` need and this machine does not have.
pub(crate) fn missing(requests: &[BuildRequest], environment: Environment) -> Vec<Obstacle> {
    let mut obstacles = directories::obstacles(requests);
    let mut add = |obstacle: Obstacle| {
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
    };
    for request in requests {
        for (name, context) in &request.recipe.inputs.contexts {
            if let NamedContext::Layout(image) = context
                && let Err(why) = layouts::digest(image)
            {
                add(Obstacle {
                    message: format!("the context `{name}` cannot be used: {why}"),
                    help:
                        "use a directory as `--output type=oci` writes it, unpacked; or load the \
                           image, push it, and name it as docker-image://REF"
                            .to_owned(),
                });
            }
            if let NamedContext::Folder(path) = context
                && !path.is_dir()
            {
                add(Obstacle {
                    message: format!("the context `{name}` is not a directory: {}", path.display()),
                    help: "use an existing directory, an image (docker-image://REF, oci-layout://PATH) or a URL"
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

/// What to do about a key file that cannot be used.
fn no_key(id: &str, KeyFileError { path, error }: &KeyFileError) -> Obstacle {
    let shown = path.display();
    let help = match error {
        KeyError::Public => match shown.to_string().strip_suffix(".pub") {
            Some(private) => format!("use the private key: --ssh {id}={private}"),
            None => "use the file of the private key".to_owned(),
        },
        KeyError::OlderForm => format!("convert it: ssh-keygen -p -f {shown}"),
        KeyError::Encrypted | KeyError::Kind(_) => {
            format!("add it to an SSH agent (ssh-add {shown}) and forward the agent: --ssh {id}")
        }
        KeyError::Unreadable(_) | KeyError::NoKey => {
            format!("use the file of a private key: --ssh {id}=PATH")
        }
    };
    Obstacle { message: format!("the SSH key of `{id}` cannot be used: {shown}: {error}"), help }
}
