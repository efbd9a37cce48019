//! Selects the proxy for a request, like Go programs such as docker. Pure.
//!
//! `HTTPS_PROXY` and `HTTP_PROXY` name the proxies. `NO_PROXY` lists the hosts to contact directly:
//! host names including their subdomains, `.example.com` for subdomains only, addresses, networks
//! in CIDR notation, each with an optional port, and `*` for all hosts. This machine is never
//! contacted through a proxy.
//!
//! Source: <https://pkg.go.dev/golang.org/x/net/http/httpproxy>

use std::net::IpAddr;

use reqwest::Url;

use crate::loopback::{bare, is_loopback};

/// The proxies of an environment.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    direct: Vec<Direct>,
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Direct {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Network {
        address: IpAddr,
        bits: u8,
    },
    /// In lowercase, without leading and trailing dots.
    Domain {
        name: String,
        itself: bool,
    },
}

impl Proxies {
    /// Reads the variables; uppercase names take precedence. An invalid proxy URL is ignored, as in
    /// Go.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let set = |name: &str| variable(name).filter(|value| !value.is_empty());
            set(name).or_else(|| set(&name.to_lowercase()))
        };
        let no_proxy = either("NO_PROXY").unwrap_or_default();
        Self {
            // In a CGI program, HTTP_PROXY comes from a request header.
            http: either("HTTP_PROXY")
                .filter(|_| variable("REQUEST_METHOD").is_none_or(|value| value.is_empty()))
                .and_then(url),
            https: either("HTTPS_PROXY").and_then(url),
            direct: no_proxy.split(',').filter_map(direct).collect(),
        }
    }

    /// The proxy for `url`; `None` for a direct connection.
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref()?,
            "http" => self.http.as_ref()?,
            _ => return None,
        };
        let host = bare(url.host_str()?);
        let address = host.parse::<IpAddr>().ok();
        if is_loopback(host) {
            return None;
        }
        let port = url.port_or_known_default();
        let skipped = self.direct.iter().any(|entry| entry.covers(host, address, port));
        (!skipped).then_some(proxy)
    }
}

impl Direct {
    fn covers(&self, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
        if self.port.is_some() && self.port != port {
            return false;
        }
        match &self.hosts {
            Hosts::All => true,
            Hosts::Network { address: network, bits } => {
                address.is_some_and(|address| contains(*network, *bits, address))
            }
            Hosts::Domain { name, itself } => match host.strip_suffix(name.as_str()) {
                Some("") => *itself,
                Some(before) => before.ends_with('.'),
                None => false,
            },
        }
    }
}

fn url(text: String) -> Option<Url> {
    match text.contains("://") {
        true => Url::parse(&text).ok(),
        false => Url::parse(&format!("http://{text}")).ok(),
    }
}

fn direct(entry: &str) -> Option<Direct> {
    let entry = entry.trim().to_lowercase();
    if entry.is_empty() {
        return None;
    }
    if entry == "*" {
        return Some(Direct { hosts: Hosts::All, port: None });
    }
    if let Some((address, bits)) = entry.split_once('/') {
        let hosts = Hosts::Network { address: address.parse().ok()?, bits: bits.parse().ok()? };
        return Some(Direct { hosts, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        // More than one colon without brackets: an IPv6 address.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, Some(port.parse().ok()?))
        }
        _ => (entry.as_str(), None),
    };
    if let Ok(address) = bare(host).parse::<IpAddr>() {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        return Some(Direct { hosts: Hosts::Network { address, bits }, port });
    }
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let name = host.trim_start_matches('.').trim_end_matches('.');
    let itself = !host.starts_with('.');
    (!name.is_empty())
        .then(|| Direct { hosts: Hosts::Domain { name: name.to_owned(), itself }, port })
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let ignored = u32::from(width - bits.min(width));
    ignored == 128 || network >> ignored == address >> ignored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::from_environment(find);
        proxies.of(&Url::parse(url).unwrap()).map(Url::to_string)
    }

    #[test]
    fn no_proxy_is_parsed_as_in_go() {
        for (no_proxy, url, direct) in [
            ("*", "https://r.example/", true),
            ("*", "https://10.0.0.1/", true),
            ("r.example", "https://r.example/", true),
            ("r.example", "https://sub.r.example:5000/", true),
            ("R.Example.", "https://r.example/", true),
            ("r.example", "https://other.example/", false),
            ("r.example", "https://notr.example/", false),
            (".r.example", "https://r.example/", false),
            (".r.example", "https://sub.r.example/", true),
            ("*.r.example", "https://sub.r.example/", true),
            ("r.example:5000", "https://r.example:5000/", true),
            ("r.example:5000", "https://r.example/", false),
            ("r.example:443", "https://r.example/", true),
            (" a.example , r.example ", "https://r.example/", true),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("10.0.0.1", "https://10.0.0.1:5000/", true),
            ("10.0.0.1:5001", "https://10.0.0.1:5000/", false),
            ("[fd00::1]:5000", "https://[fd00::1]:5000/", true),
            ("fd00::/16", "https://[fd00::1]/", true),
            ("0.0.0.0/0", "https://r.example/", false),
            ("", "https://r.example/", false),
            ("", "https://localhost:5000/", true),
            ("", "https://127.8.0.1/", true),
            ("", "https://[::1]:5000/", true),
            ("r.example:port,/8,:1,.", "https://r.example/", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://p.example:3128"), ("NO_PROXY", no_proxy)];
            assert_eq!(proxy(&variables, url).is_none(), direct, "{no_proxy} {url}");
        }
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both = [("https_proxy", "secure.example:1"), ("HTTP_PROXY", "http://plain.example")];
        let of = |url: &str| proxy(&both, url);
        assert_eq!(of("https://r.example/").as_deref(), Some("http://secure.example:1/"));
        assert_eq!(of("http://r.example/").as_deref(), Some("http://plain.example/"));
        let cgi = [("HTTP_PROXY", "http://evil.example"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy(&cgi, "http://r.example/"), None);
        let not_cgi = [("HTTP_PROXY", "http://p.example"), ("REQUEST_METHOD", "")];
        assert!(proxy(&not_cgi, "http://r.example/").is_some());
        assert_eq!(proxy(&[("HTTPS_PROXY", "")], "https://r.example/"), None);
        // Go prefers uppercase names and does not support ALL_PROXY.
        let two = [("HTTPS_PROXY", "a.example:1"), ("https_proxy", "b.example:1")];
        assert_eq!(proxy(&two, "https://r.example/").as_deref(), Some("http://a.example:1/"));
        assert_eq!(proxy(&[("ALL_PROXY", "http://a.example")], "https://r.example/"), None);
    }
}
