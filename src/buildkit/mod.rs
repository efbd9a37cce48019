//! A BuildKit client: what `docker buildx` does in Go, over any byte stream.
//!
//! A build uses two HTTP/2 connections. On the first, we are the client: [`Client`] lists workers,
//! solves, and follows the status of a solve. On the second, BuildKit is the client: a
//! [`session::Session`] serves files, credentials and health checks. The second one goes through a
//! call of the first (`tunnel.rs`). How the byte stream of the first is opened (an upgrade of the
//! Docker API, a socket of buildkitd) is the caller's concern. This directory uses nothing of the
//! rest of the program, so it could become a crate.
//!
//! Protocol: <https://github.com/moby/buildkit/blob/master/api/services/control/control.proto>

mod cache;
mod client;
mod error;
mod gateway;
mod headers;
mod limits;
pub(crate) mod session;
mod silence;
mod solve;
mod status;
mod stored;
mod traced;
mod tunnel;
mod vertex;

pub use client::Client;
pub(crate) use client::Worker;
pub(crate) use error::{Connection, Detail, SolveError};
pub(crate) use limits::HEADERS;
pub(crate) use silence::UNUSUAL_SILENCE;
pub(crate) use solve::{CacheExport, Exporter, Solve};
pub(crate) use status::{Progress, Update, VertexId, VertexState};
pub(crate) use vertex::{TransferKind, TransferName, VertexKind, VertexName};

/// A random identifier of 25 base-36 characters, the format of BuildKit's sessions and solves.
pub(crate) fn random_id() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    getrandom::fill(&mut bytes).expect("the operating system has a source of randomness");
    // 256 is not a multiple of 36. The bias does not matter: 25 characters have far more entropy
    // than an identifier needs.
    bytes.iter().map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect()
}

/// The message of `error` as part of a sentence, without the operating system's error number.
pub(crate) fn why(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifiers_have_the_format_that_buildkit_expects_and_differ() {
        let id = super::random_id();
        assert_eq!(id.len(), 25);
        assert!(id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()));
        assert_ne!(id, super::random_id());
    }
}
