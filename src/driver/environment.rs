//! Environment variables, read through a function so that tests can set them.

use std::ffi::OsString;
use std::path::PathBuf;

/// Reads an environment variable.
pub(crate) type Environment = fn(&str) -> Option<OsString>;

/// The user's cache directory, if there is one.
///
/// Source: <https://specifications.freedesktop.org/basedir-spec/latest/>
pub(crate) fn cache_directory(environment: Environment) -> Option<PathBuf> {
    let absolute =
        |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}
