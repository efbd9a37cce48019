//! The grants of `--allow` and of the environment together.

use std::ffi::OsString;

use super::early::early_values;
use super::flags::AllowFlag;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;

/// The variable that grants the same as `--allow`, in addition to it.
const VARIABLE: &str = "ONEBUILD_ALLOW";

/// What the flags and the environment grant together.
pub fn granted(flags: &[AllowFlag]) -> Result<Grants, Error> {
    let mut grants = Grants::default();
    if let Some(text) = std::env::var_os(VARIABLE) {
        let read = text.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
        grants.extend(read.and_then(str::parse).map_err(|why| {
            Error::new(ErrorKind::Usage, format!("{VARIABLE}: {why}"))
                .help("separate grants by commas, and put one that has a comma in double quotes")
        })?);
    }
    flags.iter().for_each(|flag| grants.extend(flag.0.clone()));
    Ok(grants)
}

/// The same, read before the command line is understood. What is wrong in it is reported later.
pub fn early_grants(args: &[OsString]) -> Grants {
    let flags = early_values(args, "--allow", None).flatten();
    let flags: Vec<AllowFlag> =
        flags.filter_map(|text| text.to_string_lossy().parse().ok()).collect();
    granted(&flags).unwrap_or_default()
}
