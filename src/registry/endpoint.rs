//! The URL of a registry host, and the choice between https and plain http.

use http::Method;
use reqwest::Url;

use super::wire::{Call, Wire};
use crate::failure::RegistryFault;
use crate::image::Repository;
use crate::loopback::leads_to_loopback;

/// The root URL of a registry host. A loopback host that does not speak TLS gets plain http.
pub(super) async fn base(wire: &Wire, host: &str) -> Result<Url, RegistryFault> {
    let secure = parse(host)?;
    if !leads_to_loopback(&secure) {
        return Ok(secure);
    }
    let url = secure.join("v2/").map_err(|_| RegistryFault::InvalidHost)?;
    let ping = Call { limit: 64 * 1024, ..Call::new(Method::GET, url) };
    match wire.send(&ping).await {
        // A peer that closes the connection on a TLS greeting does not speak TLS either.
        Err(RegistryFault::PlainHttp | RegistryFault::ConnectionLost) => {
            tracing::debug!(target: "registry", host, "no TLS: plain http on loopback");
            let mut plain = secure;
            plain.set_scheme("http").map_err(|()| RegistryFault::InvalidHost)?;
            // The parser drops `:443` because it is https's default port; with http it would become
            // 80.
            if plain.port().is_none() && host.ends_with(":443") {
                plain.set_port(Some(443)).map_err(|()| RegistryFault::InvalidHost)?;
            }
            Ok(plain)
        }
        Err(RegistryFault::TooLarge { .. }) | Ok(_) => Ok(secure),
        Err(fault) => Err(fault),
    }
}

/// Accepts `host[:port]` only. Docker Hub's registry has a different host name than its images.
fn parse(host: &str) -> Result<Url, RegistryFault> {
    let name = match host {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c));
    if !plain || name.is_empty() {
        return Err(RegistryFault::InvalidHost);
    }
    Url::parse(&format!("https://{name}/")).map_err(|_| RegistryFault::InvalidHost)
}

/// The URL of an object in a repository: `…/v2/<path>/<kind>/<name>`. An empty last part adds a
/// trailing slash.
///
/// Each part is escaped, so that no name can escape its repository.
pub(super) fn address(base: &Url, repository: &Repository, parts: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("v2");
        segments.extend(repository.path().split('/')).extend(parts);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_are_accepted() {
        for (host, expected) in [
            ("docker.io", Some("https://registry-1.docker.io/")),
            ("ghcr.io", Some("https://ghcr.io/")),
            ("a.example:5000", Some("https://a.example:5000/")),
            ("[::1]:5000", Some("https://[::1]:5000/")),
            ("user@a.example", None),
            ("a.example/b", None),
            ("a.example?b", None),
            ("a.example:port", None),
            ("", None),
        ] {
            assert_eq!(parse(host).ok().as_ref().map(Url::as_str), expected, "{host}");
        }
    }

    #[test]
    fn no_name_escapes_its_repository() {
        let base = parse("a.example").unwrap();
        let repository: Repository = "a.example/lab/app".parse().unwrap();
        for (name, expected) in [
            ("1.0", "https://a.example/v2/lab/app/manifests/1.0"),
            ("a/b?c#d", "https://a.example/v2/lab/app/manifests/a%2Fb%3Fc%23d"),
            ("sha256:12", "https://a.example/v2/lab/app/manifests/sha256:12"),
        ] {
            assert_eq!(address(&base, &repository, &["manifests", name]).as_str(), expected);
        }
    }
}
