//! Content: BuildKit reads and writes `type=local` caches in directories of this machine, and reads
//! images in the OCI image layout.
//!
//! A directory is offered to one solve under a random name, and accessible to BuildKit until the
//! offer is dropped. BuildKit reads and writes blobs only. index.json records which blob is the
//! cache, and under which tag; [`Layout::put`] updates it when the solve has succeeded. A failed
//! solve therefore leaves only unreferenced blobs.
//!
//! BuildKit's caches use three methods of containerd's content service. The others, which could
//! change and delete existing content, are not implemented.
//!
//! Protocol: <https://github.com/moby/buildkit/tree/master/session/content>

mod blob;
mod digest;
mod disk;
mod index;
mod layout;
mod offer;
pub(in crate::buildkit) mod proto;
mod service;

#[cfg(test)]
mod tests;

pub(crate) use disk::Disk;
pub(crate) use index::Index;
pub(crate) use layout::{Layout, LayoutError};
pub(crate) use offer::{Content, Offer};
pub(in crate::buildkit) use service::{INFO, READ};

/// The methods of this service that a session announces.
pub(crate) const METHODS: &[&str] = &[service::INFO, service::READ, service::WRITE];
