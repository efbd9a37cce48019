//! Numbers, names with values, and prefixes of tags.

use std::num::NonZeroUsize;

use crate::image::Tag;
use crate::input::Retry;

pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "it must be a number greater than zero".to_owned())
}

pub(crate) fn retries(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number <= Retry::MOST);
    number.ok_or_else(|| format!("it must be a number from 0 to {}", Retry::MOST))
}

/// The start of tags; the empty string is none.
pub(crate) fn tag_prefix(text: &str) -> Result<String, String> {
    match text.parse::<Tag>() {
        Err(error) if !text.is_empty() => Err(format!("no tag can start with it: {error}")),
        _ => Ok(text.to_owned()),
    }
}

pub(crate) fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// As for docker, a label without a value is empty.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=').unwrap_or((text, "")) {
        ("", _) => Err("write NAME=VALUE".to_owned()),
        (name, value) => Ok((name.to_owned(), value.to_owned())),
    }
}

pub(crate) fn build_arg(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("write NAME=VALUE".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None if text.is_empty() => Err("write NAME=VALUE".to_owned()),
        None => Ok((text.to_owned(), None)),
    }
}
