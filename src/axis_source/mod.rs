//! Where the values of axes that come from elsewhere are fetched from, and kept for the time without
//! a network.
//!
//! What is fetched is text, no longer than a list of releases is, from where the matrix says and
//! wherever that leads, but never from https down to http, nor from the Internet into a private
//! network. It is not believed here: the matrix checks every value before it becomes part of anything.

mod fetch;
mod link;
mod place;
mod said;
mod store;

use std::time::Duration;

use thiserror::Error;

pub use fetch::{PAGE, fetch, is_github_api};
pub use store::Store;

/// Why there is no text.
#[derive(Debug, Error)]
pub enum FetchError {
    /// With its own sentence, and the time after which it wants to be asked again.
    #[error("the server answered {status}{}", more(.said.as_deref(), *.wait))]
    Status { status: u16, said: Option<String>, wait: Option<Duration> },
    #[error("it is larger than {} MiB", fetch::LARGEST >> 20)]
    TooLarge,
    #[error("it has more than {} pages", fetch::MOST_PAGES)]
    TooManyPages,
    #[error("its next page is on another host")]
    OtherHost,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it did not answer within {} seconds", fetch::PATIENCE.as_secs())]
    Timeout,
    #[error("it took longer than {} seconds", fetch::TOTAL.as_secs())]
    TooLong,
    #[error("it redirects more than {} times", fetch::MOST_REDIRECTS)]
    Redirects,
    #[error("it redirects from https to http")]
    Downgrade,
    #[error("it leads to a link-local address, as of a cloud's metadata service")]
    Metadata,
    #[error("it redirects to a private address")]
    Private,
    #[error("it redirects to what is not an http or https URL")]
    NoRedirect,
    #[error("the token holds characters that no header may hold")]
    Token,
    #[error("{0}")]
    Unreachable(String),
}

impl FetchError {
    /// Whether a token may help.
    pub fn wants_token(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403 | 404 | 429, .. })
    }
}

fn more(said: Option<&str>, wait: Option<Duration>) -> String {
    let mut more = said.map(|said| format!(": {said}")).unwrap_or_default();
    if let Some(wait) = wait {
        more += &format!(" (it asks to be left alone for {} s)", wait.as_secs());
    }
    more
}
