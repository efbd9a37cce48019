//! Which hosts are this machine itself.
//!
//! Nobody on the network reads what goes there, so plain http and a connection without TLS are
//! accepted. Only the name `localhost` counts: any other name may lead elsewhere tomorrow.

use std::net::IpAddr;

use reqwest::Url;

/// Whether `host` is this machine: `localhost`, or an address in 127.0.0.0/8 or `::1`, with or without
/// brackets.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether `url` leads to this machine.
pub(crate) fn leads_to_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// The address that the host of a URL is. None for a name.
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
    fn this_machine_is_known_by_its_addresses_and_one_name() {
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
    fn a_url_leads_to_the_host_that_it_names() {
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
