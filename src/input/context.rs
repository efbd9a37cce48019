//! The syntax of named contexts.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{LayoutImage, NamedContext};
use crate::image::Reference;

const REMOTE: [&str; 5] = ["http://", "https://", "git://", "ssh://", "git@"];

/// Parses `docker-image://REF`, `oci-layout://PATH`, a URL, or a directory.
impl FromStr for NamedContext {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(
                "write a directory, docker-image://REF, oci-layout://PATH or a URL".to_owned()
            );
        }
        if let Some(image) = text.strip_prefix("docker-image://") {
            let image = image.parse::<Reference>().map_err(|error| error.to_string())?;
            return Ok(Self::Image(image));
        }
        if let Some(layout) = text.strip_prefix("oci-layout://") {
            return layout.parse().map(Self::Layout);
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

/// Parses `PATH[:TAG][@DIGEST]`.
impl FromStr for LayoutImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (text, digest) = match text.rsplit_once("@sha256:") {
            Some((rest, hex)) => {
                let digest = format!("sha256:{hex}").parse();
                (rest, Some(digest.map_err(|error| format!("{error}"))?))
            }
            None => (text, None),
        };
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (text, None),
        };
        if path.is_empty() || tag.is_some_and(str::is_empty) {
            return Err("write oci-layout://PATH, with :TAG or @DIGEST for one of several images"
                .to_owned());
        }
        Ok(Self { path: path.into(), tag: tag.map(str::to_owned), digest })
    }
}

impl NamedContext {
    /// The path of a directory on this machine.
    pub fn local_path(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) | Self::Layout(LayoutImage { path, .. }) => Some(path),
            Self::Image(_) | Self::Url(_) => None,
        }
    }

    pub(super) fn local_path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::Folder(path) | Self::Layout(LayoutImage { path, .. }) => Some(path),
            Self::Image(_) | Self::Url(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_layout_has_a_path_and_perhaps_a_tag_and_a_digest() {
        let hex = "a".repeat(64);
        let with_digest = format!("a@sha256:{hex}");
        let both = format!("a/b:c@sha256:{hex}");
        for (text, path, tag, has_digest) in [
            ("layout", "layout", None, false),
            ("./layout/", "./layout/", None, false),
            ("/abs/layout:1.2", "/abs/layout", Some("1.2"), false),
            ("a:b/c", "a:b/c", None, false),
            ("me@host/a", "me@host/a", None, false),
            (&*with_digest, "a", None, true),
            (&*both, "a/b", Some("c"), true),
        ] {
            let full = format!("oci-layout://{text}");
            let Ok(NamedContext::Layout(found)) = full.parse() else { panic!("{full}") };
            assert_eq!((&*found.path, found.tag.as_deref()), (Path::new(path), tag), "{text}");
            assert_eq!(found.digest.is_some(), has_digest, "{text}");
            assert_eq!(found.to_string(), full);
        }
        for text in ["", ":1", "a:", "a@sha256:0", "@sha256:"] {
            assert!(format!("oci-layout://{text}").parse::<NamedContext>().is_err(), "{text}");
        }
    }
}
