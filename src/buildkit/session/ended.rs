//! Why a session ended, and on which side.

use std::error::Error as _;

use thiserror::Error;

use super::super::error::is_ended_here;

/// Why a session ended before BuildKit hung up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionEnded {
    /// By this side: the text says why.
    #[error("{0}")]
    Here(String),
    /// By BuildKit, or by the connection.
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
