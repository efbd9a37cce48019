//! `--allow`, which is read before the rest of the command line is: it decides which files of the
//! matrix may be read, and these decide which flags there are.

use std::ffi::OsString;
use std::str::FromStr;

use crate::grants::Grants;

/// One flag's grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowFlag(pub Grants);

impl FromStr for AllowFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The values of a long flag, in `--flag VALUE` or `--flag=VALUE`.
pub fn values_of(args: &[OsString], flag: &str) -> Vec<String> {
    let mut args = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    let mut values = Vec::new();
    while let Some(arg) = args.next().filter(|arg| arg != "--") {
        if arg == flag {
            values.extend(args.next().map(|value| value.into_owned()));
        } else if let Some(value) = arg.strip_prefix(flag).and_then(|arg| arg.strip_prefix('=')) {
            values.push(value.to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_its_value_beside_it_or_behind_the_sign() {
        for (line, wanted) in [
            ("onebuild plan --allow ssh --allow=fs=/a", "ssh fs=/a"),
            ("onebuild plan --allowed=x --allow", ""),
            ("onebuild plan -- --allow ssh", ""),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(values_of(&args, "--allow").join(" "), wanted, "{line}");
        }
    }
}
