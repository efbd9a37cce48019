//! `--output`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::OutputFile;
use crate::plan::FileOutput;

/// `type=oci,dest=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutputFlag(pub OutputFile);

impl FromStr for OutputFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut kind, mut dest) = (None, None);
        for field in text.split(',') {
            match field.split_once('=') {
                Some(("type", "oci")) => kind = Some(FileOutput::Oci),
                Some(("type", "docker")) => kind = Some(FileOutput::Docker),
                Some(("type", "tar")) => kind = Some(FileOutput::Tar),
                Some(("type", "local")) => kind = Some(FileOutput::Local),
                Some(("type", other)) => {
                    return Err(format!("`{other}` is not one of oci, docker, tar, local"));
                }
                Some(("dest", path)) if !path.is_empty() => dest = Some(PathBuf::from(path)),
                _ => return Err(format!("`{field}` is neither type=… nor dest=…")),
            }
        }
        let kind = kind.ok_or("type=oci|docker|tar|local is missing")?;
        let dest = dest.ok_or("dest=PATH is missing")?;
        Ok(Self(OutputFile { kind, dest }))
    }
}
