//! Why a result could not be written.

use std::fmt;
use std::io;
use std::path::Path;

use super::super::fault::{Fault, LocalFault};

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("{0}")]
    Destination(LocalFault),
    #[error("the result did not arrive: {0}")]
    Broken(Fault),
    #[error("BuildKit sent no result")]
    Nothing,
}

pub(super) fn at(path: &Path, what: impl fmt::Display) -> Fault {
    Fault::Here(LocalFault::at(path, what))
}

pub(super) fn unwritten(path: &Path, error: &io::Error) -> Fault {
    Fault::Here(LocalFault::unwritten(path, error))
}

/// A violation of the protocol by BuildKit.
pub(super) fn wrong(what: impl Into<String>) -> Fault {
    Fault::There(what.into())
}

/// Receiving ended early for a reason that this side does not know.
pub(super) fn gone() -> Fault {
    Fault::There("BuildKit stopped sending before the end".to_owned())
}
