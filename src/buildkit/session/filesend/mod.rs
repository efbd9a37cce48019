//! FileSend: BuildKit sends the result of a build to us.
//!
//! One [`FileSend`] takes the result of one solve. The exporters `oci`, `docker` and `tar` send a
//! stream of bytes, `local` sends a tree of files; both call one method, and the exporter that was
//! asked for tells which it is. An archive is written beside its destination, a tree inside of it, and
//! [`FileSend::commit`] alone puts it in its place: BuildKit ends the stream properly even when the
//! export failed half-way, so only the end of the solve tells that it is whole.

mod archive;
mod error;
mod place;
mod send;
mod service;
mod tree;

#[cfg(test)]
mod tests;

pub use error::OutputError;
pub use send::FileSend;

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSend/DiffCopy"];
