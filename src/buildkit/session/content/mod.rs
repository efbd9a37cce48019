//! Content: BuildKit keeps caches of `type=local` in folders of this machine.
//!
//! A folder is offered to one solve under a name that nobody else knows, and is in BuildKit's reach
//! until the offer is dropped. BuildKit reads and writes blobs only; which of them is the cache, by
//! what tag, stands in the folder's index.json, and that is written by [`Layout::put`] when the
//! solve ended well. So a solve that did not leaves blobs that nothing names, and no more.
//!
//! Of containerd's content service BuildKit's caches want three methods; the others, which would
//! let it change and delete what is there, are left out.
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

pub use disk::Disk;
pub use index::Index;
pub use layout::{Layout, LayoutError};
pub use offer::{Content, Offer};
pub(in crate::buildkit) use service::{INFO, READ};

/// The methods of this service that a session announces.
pub const METHODS: &[&str] = &[service::INFO, service::READ, service::WRITE];
