//! FileSend: BuildKit sends the result of a build to the client.
//!
//! A [`FileSend`] receives the result of one solve, and [`Results`] those of a session. The
//! exporters `oci`, `docker` and `tar` send a byte stream, `local` sends a file tree. Both use the
//! same method; the requested exporter determines which one it is. An archive is written beside its
//! destination and a tree inside of it, and only [`FileSend::commit`] moves them into place:
//! BuildKit ends the stream normally even if the export fails half-way, so only the end of the solve
//! confirms that the result is complete.

mod archive;
mod error;
mod place;
mod send;
mod service;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use error::OutputError;
pub(crate) use send::{FileSend, Results};

/// The methods of this service that a session announces.
pub(crate) const METHODS: &[&str] = &["/moby.filesync.v1.FileSend/DiffCopy"];
