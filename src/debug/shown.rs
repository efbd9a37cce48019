//! Filters URLs, headers and errors for the log.

use std::error::Error;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use reqwest::Url;
use sha2::{Digest as _, Sha256};

use super::switch::is_on;

/// Headers whose values are shown; others are only counted. Parts of URLs that may be secret are
/// removed.
const SHOWN: &[&str] = &[
    "accept",
    "accept-ranges",
    "age",
    "api-version",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "docker-content-digest",
    "docker-distribution-api-version",
    "docker-experimental",
    "docker-ratelimit-source",
    "etag",
    "link",
    "location",
    "ostype",
    "range",
    "ratelimit-limit",
    "ratelimit-remaining",
    "retry-after",
    "server",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Headers in the order in which they were sent. For a login, only its scheme is shown.
pub(super) fn headers(headers: &HeaderMap) -> String {
    let (mut shown, mut others) = (Vec::new(), 0);
    for (name, value) in headers {
        match value.to_str() {
            Ok(value) if name == AUTHORIZATION => shown.push(format!("{name}: {}", scheme(value))),
            Ok(value) if is_shown(name) => shown.push(format!("{name}: {value}")),
            _ => others += 1,
        }
    }
    if others > 0 {
        shown.push(format!("{others} not shown"));
    }
    shown.join("; ")
}

fn is_shown(name: &HeaderName) -> bool {
    SHOWN.contains(&name.as_str())
}

/// `Basic …`, `Bearer …`, or nothing for an unknown scheme.
pub(super) fn scheme(value: &str) -> &'static str {
    let scheme = value.split(' ').next().unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => "Basic …",
        "bearer" => "Bearer …",
        _ => "…",
    }
}

/// A URL without login, query values and fragment.
pub(super) fn url(url: &Url) -> String {
    let mut shown = format!("{}://{}{}", url.scheme(), authority(url), url.path());
    if let Some(text) = url.query() {
        shown += &format!("?{}", query(text));
    }
    shown
}

/// Host and port of a URL.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The target of a request without query values, such as `/v1.51/info?name=value`.
pub(super) fn path(target: &str) -> String {
    match target.split_once('?') {
        Some((path, text)) => format!("{path}?{}", query(text)),
        None => target.to_owned(),
    }
}

/// The names in a query. Parts that do not have the form `name=value` may be values.
fn query(text: &str) -> String {
    const MAX_NAME: usize = 40;
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        name.len() <= MAX_NAME && bytes.all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let shown = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_name(name) => format!("{name}=…"),
        _ => "…".to_owned(),
    };
    text.split('&').map(shown).collect::<Vec<_>>().join("&")
}

/// `text` with login, query values and fragment removed from every address, with or without a host.
pub(super) fn urls(text: &str) -> String {
    // Other punctuation may be part of a password or of a value.
    let ends = |c: char| c.is_whitespace() || "\"'<>`".contains(c);
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(ends) {
        let (word, end) = word.split_at(word.trim_end_matches(ends).len());
        shown += &address(word);
        shown += end;
    }
    shown
}

/// The same for one word, which may be an address. Surrounding punctuation is kept.
fn address(word: &str) -> String {
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None if word.starts_with("//") => ("//".to_owned(), &word[2..]),
        None => (String::new(), word),
    };
    let is_address = !scheme.is_empty();
    let (rest, _) = rest.split_once('#').filter(|_| is_address).unwrap_or((rest, ""));
    let (rest, values) = match rest.split_once('?') {
        Some((rest, values)) if is_address || !values.is_empty() => (rest, Some(values)),
        _ => (rest, None),
    };
    let (authority, path) = match is_address {
        true => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        false => ("", rest),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let stop = word.chars().next_back().filter(|stop| ";,)".contains(*stop) && values.is_some());
    let query = values.map(|values| format!("?{}", query(values))).unwrap_or_default();
    format!("{scheme}{host}{path}{query}{}", stop.map(String::from).unwrap_or_default())
}

/// The fingerprint of a certificate, which reveals nothing of its content.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The name of an enum variant without its fields, which may contain other programs' messages.
pub(crate) fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}

/// The cause of an error. If there is none, the error itself is not shown, because it contains the
/// URL.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    if !is_on() {
        return String::new();
    }
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    match causes.is_empty() {
        true => error.to_string(),
        false => causes.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_url_that_may_be_secret_are_not_shown() {
        for (text, expected) in [
            ("https://r.example/v2/", "https://r.example/v2/"),
            ("https://u:canary@r.example:5000/v2/", "https://r.example:5000/v2/"),
            ("https://r.example/t?scope=canary&canary&a.b=", "https://r.example/t?scope=…&…&a.b=…"),
            ("https://r.example/t?can%20ary=x#canary", "https://r.example/t?…"),
            ("http://[::1]:5000/x", "http://[::1]:5000/x"),
        ] {
            assert_eq!(url(&Url::parse(text).unwrap()), expected, "{text}");
            let around = format!("a \"{text}\", b");
            assert_eq!(urls(&around), format!("a \"{expected}\", b"), "{text}");
        }
        assert_eq!(path("/v1.51/images/x/json"), "/v1.51/images/x/json");
        assert_eq!(path("/containers/create?name=canary"), "/containers/create?name=…");
        // Addresses inside of an address, and several of them.
        assert_eq!(urls("ssh://me@h/x tcp://a:b@c"), "ssh://h/x tcp://c");
        assert_eq!(urls("https://a@b/?x=https://c:d@e/ f"), "https://b/?x=… f");
        // Any punctuation may be part of a secret, and an address may have no host.
        assert_eq!(urls("https://a:can,ary;)@b/x?y=can,ary;z (q)"), "https://b/x?y=… (q)");
        assert_eq!(urls("to: /v2/x?_state=canary; n: 1"), "to: /v2/x?_state=…; n: 1");
        assert_eq!(urls("//a:canary@b/x?_state=canary"), "//b/x?_state=…");
        assert_eq!(urls("</x?page=canary>; rel=\"next\""), "</x?page=…>; rel=\"next\"");
        assert_eq!(urls("really? yes # sure"), "really? yes # sure");
        assert_eq!(urls("no address ://"), "no address ://");
    }

    #[test]
    fn only_the_headers_on_the_list_have_a_value() {
        let mut all = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("authorization", "Basic canary"),
            ("x-registry-auth", "canary"),
            ("set-cookie", "canary"),
            ("x-api-key", "canary"),
        ] {
            all.append(name, value.parse().unwrap());
        }
        let shown = headers(&all);
        assert_eq!(shown, "content-type: text/plain; authorization: Basic …; 3 not shown");
        for value in ["Negotiate canary", "canary", "bearercanary x"] {
            assert_eq!(scheme(value), "…", "{value}");
        }
    }
}
