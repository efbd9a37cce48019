//! Registries: what is there, read and checked.
//!
//! References go in, manifests come out. This room knows HTTP, logins and retries; it knows nothing
//! of builds. BuildKit does the pushing; here is found out whether what was pushed is there.
//!
//! Who may be spoken to in what way:
//!
//! - A registry is spoken to over https. One on loopback (127.0.0.0/8, ::1, localhost) is asked over
//!   https first and over plain http if it does not speak TLS, as Docker does; with TLS, its
//!   certificate must be good, loopback or not. Any other over plain http: never.
//! - A login goes to its own registry, and to the token server that this registry names, if over
//!   https or with both on loopback. A redirect to elsewhere is followed without it.
//! - A digest is computed from the bytes and compared with what was asked for. The header that
//!   states one is read in the answer to a HEAD alone, which has no bytes.
//! - Bodies, redirects, attempts and waiting have an upper bound. A host that did not answer is not
//!   asked again for a while, whichever cell asks.
//!
//! Protocol: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

mod answer;
mod challenge;
mod client;
mod endpoint;
mod error;
mod grant;
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
pub use error::RegistryError;
pub use manifest::Manifest;
pub use retry::{Patience, retry_after};
pub use verify::{Settle, VerifyError, verify};

/// What can be asked of registries.
///
/// The contract: bytes that are returned match every digest that the question or the manifest
/// named; nothing is cached; a fault that may pass by itself has been retried already.
pub trait Registry: Send + Sync {
    /// The digest that the registry names for a reference; none where it names none. Docker Hub
    /// counts a GET as a pull, and this not.
    fn head(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Option<Digest>, RegistryError>> + Send;

    /// The manifest under this reference: by its digest, if it has one, else by its tag or `latest`.
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

    /// Whether the login may push to the reference's repository: an upload is begun and given up.
    fn may_push(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;
}
