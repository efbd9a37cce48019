//! `--output`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::OutputFile;
use crate::input::fields;
use crate::plan::FileOutput;

/// The right form, for errors.
const FORM: &str = "write none, or type=oci|docker|tar|local,dest=PATH";

/// `none` or `type=oci,dest=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputFlag {
    Nothing,
    File(OutputFile),
}

/// Words that are types and no paths.
const KINDS: [&str; 7] = ["oci", "docker", "tar", "local", "image", "registry", "cacheonly"];

impl FromStr for OutputFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `docker buildx build` has the longer one.
        if matches!(text, "none" | "type=none" | "type=cacheonly") {
            return Ok(Self::Nothing);
        }
        // As for `docker buildx build`: a directory, or an archive on stdout.
        if !text.contains(['=', ',']) && !KINDS.contains(&text) && !text.is_empty() {
            let kind = if text == "-" { FileOutput::Tar } else { FileOutput::Local };
            return Ok(Self::File(OutputFile { kind, dest: text.into() }));
        }
        let (mut kind, mut dest) = (None, None);
        for field in fields(text)? {
            match field.split_once('=') {
                Some(("type", "oci")) => kind = Some(FileOutput::Oci),
                Some(("type", "docker")) => kind = Some(FileOutput::Docker),
                Some(("type", "tar")) => kind = Some(FileOutput::Tar),
                Some(("type", "local")) => kind = Some(FileOutput::Local),
                Some(("type", "none" | "cacheonly")) => {
                    return Err("nothing is written with type=none: remove dest=".to_owned());
                }
                Some(("type", "image" | "registry")) => {
                    return Err(
                        "images go to a registry with --push, and into the engine's store \
                                with --load"
                            .to_owned(),
                    );
                }
                Some(("type", other)) => {
                    return Err(format!("`{other}` is not one of oci, docker, tar, local, none"));
                }
                Some(("dest", path)) if !path.is_empty() => dest = Some(PathBuf::from(path)),
                _ => return Err(format!("`{field}` is not none, type=… or dest=…; {FORM}")),
            }
        }
        let kind = kind.ok_or_else(|| format!("the type is missing; {FORM}"))?;
        let dest = dest.ok_or_else(|| match kind {
            FileOutput::Docker => {
                "write --load to load the image into the engine's store, or add dest=PATH"
                    .to_owned()
            }
            _ => format!("the destination is missing; {FORM}"),
        })?;
        Ok(Self::File(OutputFile { kind, dest }))
    }
}
