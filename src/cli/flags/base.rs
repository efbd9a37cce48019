//! `--base`.

use std::str::FromStr;

use crate::image::Reference;

/// `ubuntu:24.04=mirror.example/ubuntu:24.04`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseOverride {
    /// The name in `FROM`.
    pub name: String,
    pub base: Reference,
}

impl FromStr for BaseOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let usage = "write REF=REF, such as ubuntu:24.04=mirror.example/ubuntu:24.04";
        let (name, base) = text.split_once('=').ok_or(usage)?;
        name.parse::<Reference>().map_err(|error| error.to_string())?;
        let base = base.parse::<Reference>().map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), base })
    }
}
