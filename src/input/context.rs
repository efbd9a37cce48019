//! The syntax of named contexts.

use std::str::FromStr;

use super::NamedContext;
use crate::image::Reference;

const REMOTE: [&str; 5] = ["http://", "https://", "git://", "ssh://", "git@"];

/// Parses `docker-image://REF`, a URL, or a directory.
impl FromStr for NamedContext {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("write a directory, docker-image://REF or a URL".to_owned());
        }
        if let Some(image) = text.strip_prefix("docker-image://") {
            let image = image.parse::<Reference>().map_err(|error| error.to_string())?;
            return Ok(Self::Image(image));
        }
        if REMOTE.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self::Url(text.to_owned()));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(format!("`{scheme}://` is not a supported kind of context")),
            None => Ok(Self::Folder(text.into())),
        }
    }
}
