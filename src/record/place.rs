//! Where runs are recorded.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the user wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A directory below the user's state directory.
    #[default]
    Default,
    /// This directory.
    Directory(PathBuf),
    /// No record.
    Off,
}

/// Where the directories of runs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Directory(PathBuf),
    /// Recording is turned off.
    Off,
    /// The user has no state directory.
    None,
}

/// The place of records, with the variables that `variable` reads.
///
/// Source: <https://specifications.freedesktop.org/basedir-spec/latest/>
pub(crate) fn place(wanted: &Wanted, variable: fn(&str) -> Option<OsString>) -> Place {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state =
        || absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    match wanted {
        Wanted::Off => Place::Off,
        Wanted::Directory(directory) => Place::Directory(directory.clone()),
        Wanted::Default => match state() {
            Some(state) => Place::Directory(state.join("onebuild/runs")),
            None => Place::None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_below_the_state_directory_unless_another_is_named() {
        type Variable = fn(&str) -> Option<OsString>;
        let both: Variable = |name| match name {
            "HOME" => Some("/home/me".into()),
            "XDG_STATE_HOME" => Some("/state".into()),
            _ => None,
        };
        let home: Variable = |name| (name == "HOME").then(|| "/home/me".into());
        let relative: Variable = |_| Some("relative".into());
        let at = |path: &str| Place::Directory(path.into());
        for (wanted, variable, expected) in [
            (Wanted::Default, both, at("/state/onebuild/runs")),
            (Wanted::Default, home, at("/home/me/.local/state/onebuild/runs")),
            (Wanted::Default, relative, Place::None),
            (Wanted::Default, |_| None, Place::None),
            (Wanted::Directory("runs".into()), both, at("runs")),
            (Wanted::Off, both, Place::Off),
        ] {
            assert_eq!(place(&wanted, variable), expected);
        }
    }
}
