//! A client of BuildKit: what `docker buildx` does through Go, over any byte stream.
//!
//! Two HTTP/2 connections make a build. On the first we are the client: [`Client`] lists workers,
//! solves, and follows the status of a solve. On the second BuildKit is the client and we serve
//! it: a [`session::Session`] answers for files, credentials and health. How the byte streams come
//! about (an upgrade of the Docker API, a socket of a buildkitd) is not known here; nothing of the
//! rest of the program is, so that this folder could become a crate of its own.
//!
//! Protocol: <https://github.com/moby/buildkit/blob/master/api/services/control/control.proto>

mod client;
mod error;
mod gateway;
mod limits;
pub mod session;
mod silence;
mod solve;
mod status;
mod stored;
mod traced;
mod vertex;

pub use client::Client;
pub use error::{Connection, Detail, SolveError};
pub use limits::HEADERS;
pub use solve::{CacheExport, Exporter, Solve};
pub use status::{Progress, Update, VertexId, VertexState};
pub use vertex::{TransferKind, TransferName, VertexKind, VertexName};

/// A random identifier of 25 base-36 characters, the form that BuildKit gives sessions and solves.
pub fn random_id() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    getrandom::fill(&mut bytes).expect("the operating system has a source of randomness");
    // 256 is no multiple of 36: the skew does not matter, as 25 characters hold far more
    // randomness than an identifier needs.
    bytes.iter().map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()])).collect()
}

/// What `error` says, as a part of a sentence: without the number of the operating system.
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
    fn identifiers_have_the_form_that_buildkit_expects_and_differ() {
        let id = super::random_id();
        assert_eq!(id.len(), 25);
        assert!(id.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()));
        assert_ne!(id, super::random_id());
    }
}
