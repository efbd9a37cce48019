//! Where the values of axes that come from elsewhere are fetched from, and kept for the time without
//! a network.
//!
//! What is fetched is text, no longer than a list of releases is, from where the matrix says and
//! wherever that leads, but never from https down to http. It is not believed here: the matrix
//! checks every value before it becomes part of anything.

mod fetch;
mod store;

use thiserror::Error;

pub use fetch::fetch;
pub use store::Store;

/// Why there is no text.
#[derive(Debug, Error)]
pub enum VersionsError {
    #[error("the server answered {0}")]
    Status(u16),
    #[error("it is larger than {} MiB", fetch::LARGEST >> 20)]
    TooLarge,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it did not answer within {} seconds", fetch::PATIENCE.as_secs())]
    Timeout,
    #[error("it redirects more than {} times", fetch::MOST_REDIRECTS)]
    Redirects,
    #[error("it redirects from https to http")]
    Downgrade,
    #[error("{0}")]
    Unreachable(String),
}
