//! Checks the grammar of names, with specific error messages.

use std::net::Ipv6Addr;

use thiserror::Error;

use crate::text::redact_login;

/// The error for an invalid repository, tag or reference.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidReference(pub(super) String);

/// Whether the part before the first slash is a host. This is Docker's rule, except that upper case
/// alone does not make a host.
///
/// Docker treats `CaijiaMX` in `CaijiaMX/1panel` as a host, and fails much later with an error
/// about name resolution.
pub(super) fn is_host(first: &str) -> bool {
    first == "localhost" || first.starts_with('[') || first.contains(['.', ':'])
}

/// Checks that `text` has no login, since an error of another check would show its password.
pub(super) fn check_no_login(text: &str) -> Result<(), InvalidReference> {
    match redact_login(text) {
        hidden if hidden == text => Ok(()),
        hidden => Err(InvalidReference(format!(
            "`{}` is not an image name: write it without a login, and use `docker login`",
            shown(&hidden)
        ))),
    }
}

pub(super) fn check_host(text: &str, host: &str) -> Result<(), InvalidReference> {
    let wrong = |why: &str| Err(InvalidReference(format!("`{}`: {why}", shown(text))));
    if matches!(host, "http:" | "https:") {
        return wrong(&format!("an image name does not start with {host}//: remove it"));
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let Some((address, after)) = rest.split_once(']') else {
                return wrong("the host's address has no closing `]`");
            };
            if address.parse::<Ipv6Addr>().is_err() {
                return wrong(&format!("the host `[{address}]` is not an IPv6 address"));
            }
            match after.strip_prefix(':') {
                None if !after.is_empty() => return wrong("unexpected text after `]` in the host"),
                port => (None, port),
            }
        }
        None => match host.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(host), None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.is_some_and(|name| !name.split('.').all(label)) {
        return wrong(&format!("`{}` is not a host name", shown(host)));
    }
    match port {
        Some(port) if !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err() => {
            wrong(&format!("`{}` is not a port", shown(port)))
        }
        _ => Ok(()),
    }
}

/// Checks `path`; `length` is its length after completion, and `text` is the name as written.
pub(super) fn check_path(text: &str, path: &str, length: usize) -> Result<(), InvalidReference> {
    let wrong =
        |why: &str| Err(InvalidReference(format!("`{}` is not an image name: {why}", shown(text))));
    if text.is_empty() {
        return Err(InvalidReference("the image name is empty".to_owned()));
    }
    if length > 255 {
        return wrong("it is longer than 255 characters");
    }
    for component in path.split('/') {
        if component.is_empty() {
            return wrong("it has an empty part");
        }
        if component.bytes().any(|b| b.is_ascii_uppercase()) {
            let lower = text.to_ascii_lowercase();
            return wrong(&format!("upper-case letters are not allowed: write `{lower}`"));
        }
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if let Some((_, tag)) = component.split_once(':') {
            return wrong(&format!("write it without the tag `{}`", shown(tag)));
        }
        if let Some(c) = component.chars().find(|c| !allowed(*c)) {
            return wrong(&format!("`{}` is not allowed", shown(&c.to_string())));
        }
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        if !edge(component.bytes().next()) || !edge(component.bytes().last()) {
            return wrong(&format!("`{component}` must start and end with a letter or digit"));
        }
        let separators = component.split(|c: char| c.is_ascii_alphanumeric());
        let separator =
            |s: &str| matches!(s, "" | "." | "_" | "__") || s.bytes().all(|b| b == b'-');
        if let Some(run) = separators.into_iter().find(|run| !separator(run)) {
            return wrong(&format!("`{run}` is not a separator: use `.`, `_`, `__` or dashes"));
        }
    }
    Ok(())
}

pub(super) fn check_tag(text: &str) -> Result<(), InvalidReference> {
    let wrong = |why: String| Err(InvalidReference(why));
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if text.is_empty() {
        wrong("the tag is empty".to_owned())
    } else if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        let c = shown(&c.to_string());
        wrong(format!("`{}` is not a tag: `{c}` is not allowed in a tag", shown(text)))
    } else if text.starts_with(['.', '-']) {
        wrong(format!("`{text}` is not a tag: it must not start with `.` or `-`"))
    } else if text.len() > 128 {
        wrong(format!("`{}` is not a tag: it is longer than 128 characters", shown(text)))
    } else {
        Ok(())
    }
}

/// The start of an invalid string, safe for a terminal.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    cut.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .chain(dots.chars())
        .collect()
}
