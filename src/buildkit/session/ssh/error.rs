//! Why a file does not contain a usable key.

use std::io;

use crate::buildkit::why;

/// Why a file does not contain a usable key. The error never contains the content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{}", why(.0))]
    Unreadable(#[from] io::Error),
    #[error("it contains a public key")]
    Public,
    #[error("it is encrypted with a passphrase")]
    Encrypted,
    #[error("it is a private key in an older format than OpenSSH's own")]
    OlderForm,
    #[error("it does not contain an OpenSSH private key")]
    NoKey,
    #[error("keys of type {0} cannot be used from a file")]
    Kind(String),
}
