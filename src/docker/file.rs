//! Reads the first bytes of a file in a container, running or not.
//!
//! Source: <https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerArchive>

use std::io::Read as _;

use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
    InspectContainerOptions,
};
use futures::StreamExt as _;

use super::Engine;
use super::container::{ContainerError, Done};

/// How much of the archive around a file is read: its headers and the requested bytes.
const ARCHIVE: usize = 64 << 10;

/// Bits of Go's `fs.FileMode`.
const DIRECTORY: u32 = 1 << 31;
const EXECUTABLE: u32 = 0o111;

/// The program of a container, and where it is looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The program itself, as written in the image or in the command that created the container.
    pub program: String,
    /// Its working directory.
    pub folder: String,
    /// `NAME=value`.
    pub env: Vec<String>,
}

impl Engine {
    /// What a container starts, and how.
    pub async fn start_of(&self, container: &str) -> Done<Start> {
        let found =
            self.docker.inspect_container(container, None::<InspectContainerOptions>).await?;
        let config = found.config.unwrap_or_default();
        Ok(Start {
            program: found.path.unwrap_or_default(),
            folder: config.working_dir.unwrap_or_default(),
            env: config.env.unwrap_or_default(),
        })
    }

    /// The first bytes of the executable file at `path`, up to `length`; `None` if there is no such
    /// file. The engine resolves symlinks and never leaves the container.
    pub async fn executable(
        &self,
        container: &str,
        path: &str,
        length: usize,
    ) -> Done<Option<Vec<u8>>> {
        let options = ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        let found = self.docker.get_container_archive_info(container, Some(options)).await;
        let found = match found.map_err(ContainerError::from) {
            Ok(found) => found,
            Err(error) if error.is_missing => return Ok(None),
            Err(error) => return Err(error),
        };
        // For a link, the engine reports its final target, but the mode of the link itself.
        let target = Some(found.link_target).filter(|target| !target.is_empty());
        let is_file = found.file_mode & DIRECTORY == 0 && found.file_mode & EXECUTABLE != 0;
        if target.is_none() && !is_file {
            return Ok(None);
        }
        let path = target.as_deref().unwrap_or(path);
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut pieces =
            std::pin::pin!(self.docker.download_from_container(container, Some(options)));
        let mut archive = Vec::new();
        while archive.len() < ARCHIVE {
            match pieces.next().await {
                Some(Ok(piece)) => archive.extend_from_slice(&piece),
                Some(Err(error)) => {
                    let error = ContainerError::from(error);
                    return if error.is_missing { Ok(None) } else { Err(error) };
                }
                None => break,
            }
        }
        Ok(first_file(&archive, length))
    }
}

/// The first bytes of the first file in an archive, which may be truncated.
fn first_file(archive: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let mut file = archive.entries().ok()?.next()?.ok()?;
    let header = file.header();
    let is_executable = header.mode().is_ok_and(|mode| mode & EXECUTABLE != 0);
    if !header.entry_type().is_file() || !is_executable {
        return None;
    }
    let mut head = Vec::new();
    let mut piece = [0; 256];
    while head.len() < length {
        match file.read(&mut piece) {
            Ok(count @ 1..) => head.extend_from_slice(&piece[..count]),
            // The rest was truncated.
            Ok(0) | Err(_) => break,
        }
    }
    head.truncate(length);
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(mode: u32, kind: tar::EntryType, name: &str, content: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        header.set_entry_type(kind);
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_data(&mut header, name, content).unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn the_first_bytes_of_a_file_are_read_from_a_truncated_archive() {
        let content = [b'x'; 100_000];
        let whole = archive(0o755, tar::EntryType::Regular, "sh", &content);
        assert_eq!(first_file(&whole[..2_000], 256), Some(vec![b'x'; 256]));
        assert_eq!(first_file(&whole[..612], 256), Some(vec![b'x'; 100]));
        assert_eq!(first_file(&whole[..300], 256), None);
        assert_eq!(first_file(b"", 256), None);
        // A name that is long enough for a header of its own.
        let long = archive(0o755, tar::EntryType::Regular, &"n".repeat(300), b"#!/bin/sh");
        assert_eq!(first_file(&long, 256).as_deref(), Some(&b"#!/bin/sh"[..]));
    }

    #[test]
    fn files_that_cannot_be_executed_are_not_read() {
        let plain = archive(0o644, tar::EntryType::Regular, "sh", b"#!/bin/sh");
        let folder = archive(0o755, tar::EntryType::Directory, "sh", b"");
        for archive in [plain, folder] {
            assert_eq!(first_file(&archive, 256), None);
        }
    }
}
