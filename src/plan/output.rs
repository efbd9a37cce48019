//! Where the result of a build goes.

use std::path::PathBuf;

use crate::cell_name::CellName;

/// Where the result goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Output {
    /// The engine's own image store.
    #[default]
    Store,
    /// The registries of the references.
    Push,
    /// Both.
    StoreAndPush,
    /// A file or directory on this machine; `-` is stdout, for an archive.
    File { kind: FileOutput, dest: PathBuf },
    /// Nowhere: only the digest of the image is needed.
    Digest,
    /// Nowhere: no image is made, only the steps run.
    Nothing,
}

impl Output {
    /// Whether the image is pushed to the registries of its references.
    pub fn is_push(&self) -> bool {
        matches!(self, Self::Push | Self::StoreAndPush)
    }

    /// Whether the files of the image go into a directory.
    pub(super) fn is_tree(&self) -> bool {
        matches!(self, Self::File { kind: FileOutput::Local, .. })
    }

    /// The output of one cell, if this one is a directory for several cells.
    pub(super) fn of_cell(&self, cell: &CellName) -> Self {
        let Self::File { kind, dest } = self else { return self.clone() };
        let dest = match kind {
            FileOutput::Local => dest.join(&**cell),
            FileOutput::Oci | FileOutput::Docker | FileOutput::Tar => {
                dest.join(format!("{cell}.tar"))
            }
        };
        Self::File { kind: *kind, dest }
    }
}

/// The formats of a file output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOutput {
    /// An OCI image layout in a tar file.
    Oci,
    /// The format of `docker load`; one platform only.
    Docker,
    /// The root file system as a tar file.
    Tar,
    /// The root file system as a directory.
    Local,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::BuildOptions;

    #[test]
    fn a_directory_gets_a_file_or_a_directory_for_each_cell() {
        for (kind, cells, wanted) in [
            (FileOutput::Oci, 1, Some("out/a.tar")),
            (FileOutput::Docker, 2, Some("out/a.tar")),
            (FileOutput::Tar, 2, Some("out/a.tar")),
            (FileOutput::Local, 2, Some("out/a")),
            // The files of the only cell are the directory.
            (FileOutput::Local, 1, None),
        ] {
            let output = Output::File { kind, dest: "out".into() };
            let options =
                BuildOptions { output, output_is_directory: true, ..BuildOptions::default() };
            let own = options.is_one_for_each(cells).then(|| options.output.of_cell(&"a".into()));
            let wanted = wanted.map(|dest| Output::File { kind, dest: dest.into() });
            assert_eq!(own, wanted, "{kind:?} of {cells}");
            let one_file = BuildOptions { output_is_directory: false, ..options };
            assert!(!one_file.is_one_for_each(cells));
        }
    }
}
