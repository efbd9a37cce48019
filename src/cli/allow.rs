//! The grants of `--allow` and of the environment together.

use super::flags::AllowFlag;
use super::surroundings::Variable;
use crate::error::{Error, ErrorKind};
use crate::grants::Grants;

/// The variable that grants the same as `--allow`, in addition to it.
const VARIABLE: &str = "ONEBUILD_ALLOW";

/// What the flags and the environment grant together.
pub(crate) fn granted(flags: &[AllowFlag], variable: Variable) -> Result<Grants, Error> {
    let mut grants = Grants::default();
    if let Some(text) = variable(VARIABLE) {
        let read = text.to_str().ok_or_else(|| "it is not UTF-8".to_owned());
        grants.extend(read.and_then(str::parse).map_err(|why| {
            Error::new(ErrorKind::Usage, format!("{VARIABLE}: {why}"))
                .help("separate grants by commas, and put one that has a comma in double quotes")
        })?);
    }
    flags.iter().for_each(|flag| grants.extend(flag.0.clone()));
    Ok(grants)
}
