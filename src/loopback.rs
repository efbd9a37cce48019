//! Detects loopback hosts.
//!
//! Traffic to loopback does not leave this machine, so plain http and connections without TLS are
//! accepted. `localhost` is the only accepted name: other names may resolve differently later.

use std::net::IpAddr;

use reqwest::Url;

/// Whether `host` is this machine: `localhost`, or an address in 127.0.0.0/8 or `::1`, with or without
/// brackets.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether the host of `url` is this machine.
pub(crate) fn leads_to_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// The IP address in the host of a URL; `None` for a name.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    bare(host).parse().ok()
}

/// A host without the brackets around an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_an_address_or_localhost() {
        for (host, expected) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("::1", true),
            ("[::1]", true),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("10.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("[::2]", false),
            ("[::1", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn the_host_of_a_url_decides() {
        for (url, expected) in [
            ("http://localhost:5000/v2/", true),
            ("https://[::1]:5000", true),
            ("http://127.8.9.1:5000", true),
            ("http://127.1", true),
            ("http://[::2]", false),
            ("http://localhost@registry.example/", false),
            ("data:text/plain,localhost", false),
        ] {
            assert_eq!(leads_to_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
