//! Registries: reads and verifies the images that they hold.
//!
//! References go in, manifests come out. This module handles HTTP, logins and retries. It has no
//! dependency on builds: BuildKit pushes, and this module verifies that the image arrived.
//!
//! Security rules:
//!
//! - Registries are contacted over https. A registry on loopback (127.0.0.0/8, ::1, localhost) is
//!   contacted over https first and over plain http if it does not speak TLS, as Docker does. If it
//!   speaks TLS, its certificate must be valid, even on loopback. No other registry is contacted
//!   over plain http.
//! - A login is sent to its own registry, and to the token server that this registry names, if that
//!   server uses https or both are on loopback. Redirects to other hosts are followed without the
//!   login.
//! - Digests are computed from the bytes and compared with the requested digest. The digest header
//!   is only used for HEAD, which has no body.
//! - Bodies, redirects, attempts and waiting times are bounded. After a host fails to answer, all
//!   cells skip it for a while.
//!
//! Protocol: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

mod answer;
mod challenge;
mod client;
mod endpoint;
mod error;
mod gates;
mod grant;
mod images;
mod manifest;
mod retry;
mod verify;
mod wire;

#[cfg(test)]
mod tests;

use std::future::Future;

use bytes::Bytes;

use crate::image::{Digest, Reference, Repository};

pub use client::RegistryClient;
pub(crate) use error::RegistryError;
pub use gates::Gates;
pub(crate) use images::images;
pub(crate) use manifest::Manifest;
pub use retry::Patience;
pub(crate) use retry::retry_after;
pub use verify::{Settle, VerifyError, verify};

/// Read access to registries.
///
/// The contract: returned bytes match every digest in the request or the manifest; nothing is
/// cached; temporary faults have already been retried.
pub trait Registry: Send + Sync {
    /// The digest that the registry reports for a reference, if it reports one. Docker Hub counts a
    /// GET as a pull, but not a HEAD.
    fn head(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Option<Digest>, RegistryError>> + Send;

    /// The manifest of this reference: by its digest if it has one, else by its tag or `latest`.
    fn manifest(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Manifest, RegistryError>> + Send;

    /// A small blob, such as an image's configuration; at most 4 MiB.
    fn blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> impl Future<Output = Result<Bytes, RegistryError>> + Send;

    /// Whether the login may push to the reference's repository: starts an upload and cancels it.
    fn may_push(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;
}
