//! Fetches axis values from their sources, and caches them for `--offline`.
//!
//! The result is text of limited size. Redirects are followed, but not from https to http, nor from
//! the Internet into a private network. The text is not trusted: the matrix checks every value
//! before it uses it.

mod fetch;
mod link;
mod message;
mod place;
mod store;

use std::time::Duration;

use thiserror::Error;

pub(crate) use fetch::{PAGE, fetch, is_github_api};
pub(crate) use store::Store;

/// The variable that holds the token of a GitHub workflow.
pub(crate) const GITHUB_TOKEN: &str = "GITHUB_TOKEN";

/// Why a fetch failed.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    /// With the server's own message, and the time after which to retry.
    #[error("the server returned {status}{}", more(.message.as_deref(), *.wait))]
    Status { status: u16, message: Option<String>, wait: Option<Duration> },
    #[error("it is larger than {} MiB", fetch::MAX_BYTES >> 20)]
    TooLarge,
    #[error("it has more than {} pages", fetch::MAX_PAGES)]
    TooManyPages,
    #[error("its next page is on another host")]
    OtherHost,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it did not answer within {} seconds", fetch::RESPONSE_TIMEOUT.as_secs())]
    Timeout,
    #[error("it took longer than {} seconds", fetch::TOTAL_TIMEOUT.as_secs())]
    TooLong,
    #[error("it redirects more than {} times", fetch::MAX_REDIRECTS)]
    Redirects,
    #[error("it redirects from https to http")]
    Downgrade,
    #[error("it leads to a link-local address, such as a cloud's metadata service")]
    Metadata,
    #[error("it redirects to a private address")]
    Private,
    #[error("it redirects to a URL that is not http or https")]
    NoRedirect,
    #[error("the token contains characters that are not allowed in a header")]
    Token,
    #[error("{0}")]
    Unreachable(String),
}

impl FetchError {
    /// Whether a token could help.
    pub(crate) fn wants_token(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403 | 404 | 429, .. })
    }
}

fn more(message: Option<&str>, wait: Option<Duration>) -> String {
    let mut more = message.map(|message| format!(": {message}")).unwrap_or_default();
    if let Some(wait) = wait {
        more += &format!(" (retry after {} s)", wait.as_secs());
    }
    more
}
