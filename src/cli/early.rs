//! Flags that are read before the command line is parsed. The axes of the matrix are flags, so the
//! flags for the path of the matrix, its grants and the debug log must be known first.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::allow::granted;
use super::flags::AllowFlag;
use super::surroundings::Variable;
use crate::grants::Grants;

/// The values of a flag, in order: `--flag VALUE`, `--flag=VALUE`, and in its `short` form
/// `-f VALUE`, `-fVALUE` and `-f=VALUE`. `None` if the command line ends after the flag.
pub(crate) fn early_values<'a>(
    args: &'a [OsString],
    long: &'a str,
    short: Option<&'a str>,
) -> impl Iterator<Item = Option<&'a OsStr>> {
    let mut args = args.iter().skip(1).map(OsString::as_os_str).take_while(|arg| *arg != "--");
    std::iter::from_fn(move || {
        loop {
            let arg = args.next()?;
            if arg == long || short.is_some_and(|short| arg == short) {
                return Some(args.next());
            }
            if let Some(value) = attached(arg, long, short) {
                return Some(Some(value));
            }
        }
    })
}

/// The value in the same word as its flag.
fn attached<'a>(arg: &'a OsStr, long: &str, short: Option<&str>) -> Option<&'a OsStr> {
    let bytes = arg.as_bytes();
    let of_long = || bytes.strip_prefix(long.as_bytes())?.strip_prefix(b"=");
    let of_short = || {
        let value = bytes.strip_prefix(short?.as_bytes())?;
        Some(value.strip_prefix(b"=").unwrap_or(value))
    };
    of_long().or_else(of_short).map(OsStr::from_bytes)
}

/// What reading the matrix depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Early {
    /// The path that a flag or the environment names.
    pub file: Option<PathBuf>,
    pub grants: Grants,
}

impl Early {
    /// Reads the flags that matter. Mistakes in them are reported when the command line is parsed.
    pub(crate) fn read(args: &[OsString], variable: Variable) -> Self {
        let file = early_values(args, "--file", Some("-f")).flatten().last();
        let from_environment =
            || variable("ONEBUILD_FILE").filter(|path| !path.to_string_lossy().trim().is_empty());
        let allow = early_values(args, "--allow", None).flatten();
        let allow: Vec<AllowFlag> =
            allow.filter_map(|text| text.to_string_lossy().parse().ok()).collect();
        Self {
            file: file.map(OsStr::to_owned).or_else(from_environment).map(PathBuf::from),
            grants: granted(&allow, variable).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::Grant;

    #[test]
    fn the_matrix_is_named_by_the_flag_before_the_variable() {
        let variable: Variable = |name| match name {
            "ONEBUILD_FILE" => Some("v.yaml".into()),
            "ONEBUILD_ALLOW" => Some("ssh".into()),
            _ => None,
        };
        for (line, variable, file, has_ssh) in [
            ("o plan -fa.yaml", variable, Some("a.yaml"), true),
            ("o plan", variable, Some("v.yaml"), true),
            ("o plan", |_: &str| Some("".into()), None, false),
            ("o plan --allow nonsense --allow ssh", |_: &str| None, None, true),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let early = Early::read(&args, variable);
            assert_eq!(early.file.as_deref(), file.map(std::path::Path::new), "{line}");
            assert_eq!(early.grants.has(&Grant::Ssh), has_ssh, "{line}");
        }
    }

    #[test]
    fn a_value_is_in_the_next_word_or_in_the_same_word() {
        for (line, long, short, wanted) in [
            ("o plan --allow ssh --allow=fs=/a", "--allow", None, "ssh fs=/a"),
            ("o plan --allowed=x --allow", "--allow", None, "none"),
            ("o plan --allow=", "--allow", None, ""),
            ("o plan -- --allow ssh", "--allow", None, ""),
            ("o -f a -fb -f=c --file d --file=e", "--file", Some("-f"), "a b c d e"),
            ("o --files x -g y", "--file", Some("-f"), ""),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let found = early_values(&args, long, short);
            let found = found.map(|value| value.map_or("none", |value| value.to_str().unwrap()));
            assert_eq!(found.collect::<Vec<_>>().join(" "), wanted, "{line}");
        }
    }
}
