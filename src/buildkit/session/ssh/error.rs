//! Why a file gives no key.

use std::io;

use crate::buildkit::why;

/// Why a file gives no key. Nothing of what it holds is told.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}", why(.0))]
    Unreadable(#[from] io::Error),
    #[error("it holds a public key")]
    Public,
    #[error("it is locked with a passphrase")]
    Encrypted,
    #[error("it is a private key in an older form than OpenSSH's own")]
    OlderForm,
    #[error("it holds no private key of OpenSSH")]
    NoKey,
    #[error("a key of the kind {0} cannot be used from a file")]
    Kind(String),
}
