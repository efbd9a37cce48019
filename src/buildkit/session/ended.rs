//! Why a session ended, and which side ended it.

use std::error::Error as _;

use thiserror::Error;

use super::super::error::is_ended_here;

/// Why a session ended before BuildKit closed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SessionEnded {
    /// This side ended it, for this reason.
    #[error("{0}")]
    Here(String),
    /// BuildKit or the network ended it.
    #[error("{0}")]
    There(String),
}

impl From<hyper::Error> for SessionEnded {
    fn from(error: hyper::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        let mut here = false;
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            here |= is_ended_here(error);
            cause = error.source();
        }
        if here { Self::Here(text) } else { Self::There(text) }
    }
}
