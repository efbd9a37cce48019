//! The settings of the builder `onebuild`, and its use on a Docker Engine.

use std::env;
use std::path::{Path, PathBuf};

use crate::docker::{Credentials, Engine};
use crate::error::{Error, ErrorKind, visible, why};
use crate::node::own::{BuilderSettings, Own};
use crate::node::{BuilderError, NodeError};
use crate::regular;
use crate::run::terminal;
use crate::text::redact_login;

/// The image and the buildkitd.toml of the builder.
const BUILDER_IMAGE: &str = "ONEBUILD_BUILDER_IMAGE";
const BUILDER_CONFIG: &str = "ONEBUILD_BUILDER_CONFIG";

/// Far larger than any buildkitd.toml.
const MAX_CONFIG: usize = 256 << 10;

/// The builder `onebuild` of `engine`.
pub(crate) fn own<'a>(engine: &'a Engine, credentials: &'a Credentials) -> Own<'a> {
    let tell = &|note: &str| terminal::stderr(&format!("note: {}\n", visible(note)));
    Own { engine, credentials, tell }
}

/// The settings of that builder: what was given, else the environment, else the defaults.
pub(crate) fn settings(
    image: Option<&str>,
    config: Option<&Path>,
    options: &[String],
) -> Result<BuilderSettings, Error> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let mut settings = BuilderSettings::default();
    for option in options {
        settings
            .set(option)
            .map_err(|why| Error::new(ErrorKind::Usage, format!("--driver-opt: {why}")))?;
    }
    let (image, origin, kind) = match image {
        Some(image) => (Some(image.to_owned()), "--image", ErrorKind::Usage),
        None => (variable(BUILDER_IMAGE), BUILDER_IMAGE, ErrorKind::Environment),
    };
    if let Some(image) = image {
        let invalid = |error| {
            let shown = redact_login(&image).into_owned();
            Error::new(kind, format!("{origin}: `{}`: {error}", visible(&shown)))
        };
        settings.image = Some(image.trim().parse().map_err(invalid)?);
    }
    let config = config.map(Path::to_owned).or_else(|| variable(BUILDER_CONFIG).map(PathBuf::from));
    if let Some(path) = config {
        let unreadable = |why: String| {
            Error::new(ErrorKind::Environment, format!("{}: {why}", path.display()))
                .help("name a file in the form of buildkitd.toml")
        };
        let text = regular::read(&path, MAX_CONFIG).map_err(|error| unreadable(why(&error)))?;
        let text =
            text.ok_or_else(|| unreadable(format!("larger than {} KiB", MAX_CONFIG >> 10)))?;
        let text = String::from_utf8(text).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        settings.config = Some(text);
    }
    Ok(settings)
}

impl From<BuilderError> for Error {
    fn from(error: BuilderError) -> Self {
        NodeError::from(error).into()
    }
}
