//! The proxies of Docker's config file, which Docker passes to steps and containers.
//!
//! Source: <https://docs.docker.com/engine/cli/proxy/>

use super::credentials::Secret;
use super::json::fields;

/// The entry for one engine, or the default one.
#[derive(Debug, Clone, Default)]
pub(super) struct ProxyEntry {
    http: Option<Secret>,
    https: Option<Secret>,
    ftp: Option<Secret>,
    no: Option<Secret>,
    all: Option<Secret>,
}

fields!(ProxyEntry {
    "httpproxy" => http,
    "httpsproxy" => https,
    "ftpproxy" => ftp,
    "noproxy" => no,
    "allproxy" => all,
});

impl ProxyEntry {
    /// The variables that it sets.
    pub(super) fn passed(&self) -> PassedProxies {
        let all = [
            ("HTTP_PROXY", &self.http),
            ("HTTPS_PROXY", &self.https),
            ("FTP_PROXY", &self.ftp),
            ("NO_PROXY", &self.no),
            ("ALL_PROXY", &self.all),
        ];
        let set = all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        PassedProxies(set.filter(|(_, value)| !value.expose().is_empty()).collect())
    }
}

/// Variables for steps and containers, in upper case. A URL may have a password.
#[derive(Debug, Clone, Default)]
pub struct PassedProxies(Vec<(&'static str, Secret)>);

impl PassedProxies {
    /// The build arguments that no other argument sets. BuildKit gives each to RUN steps as a
    /// variable in upper and in lower case, and keeps it out of the image and of cache keys.
    pub(crate) fn build_args<'a>(
        &'a self,
        others: impl IntoIterator<Item = &'a str>,
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        let others: Vec<&str> = others.into_iter().collect();
        let is_free =
            move |name: &str| !others.iter().any(|known| known.eq_ignore_ascii_case(name));
        let all = self.0.iter().map(|(name, value)| (*name, value.expose()));
        all.filter(move |(name, _)| is_free(name))
    }

    /// The variables of a container, `NAME=value`, that `others` do not set: each in upper and in
    /// lower case.
    pub(crate) fn variables<'a>(
        &'a self,
        others: impl IntoIterator<Item = &'a str>,
    ) -> impl Iterator<Item = String> {
        let others: Vec<&str> = others.into_iter().collect();
        let both = self.0.iter().flat_map(|(name, value)| {
            [((*name).to_owned(), value.expose()), (name.to_lowercase(), value.expose())]
        });
        let free = both.filter(move |(name, _)| !others.contains(&name.as_str()));
        free.map(|(name, value)| format!("{name}={value}"))
    }

    /// The passwords in the proxies' URLs, not decoded.
    pub(crate) fn passwords(&self) -> impl Iterator<Item = Secret> {
        self.0.iter().filter_map(|(_, value)| password(value.expose()).map(Secret::new))
    }
}

/// The password in the URL of a proxy, not decoded.
pub(crate) fn password(address: &str) -> Option<&str> {
    let (login, _) = address.rsplit_once('@')?;
    let password = login.rsplit_once(':')?.1;
    Some(password).filter(|password| !password.is_empty() && !password.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed() -> PassedProxies {
        let text = |text: &str| Some(Secret::new(text));
        let entry = ProxyEntry {
            http: text("http://me:canary@p.example:1"),
            no: text("localhost"),
            ftp: text(""),
            ..ProxyEntry::default()
        };
        entry.passed()
    }

    #[test]
    fn an_argument_in_either_case_replaces_a_proxy() {
        for (others, expected) in [
            (&["A"][..], &["HTTP_PROXY", "NO_PROXY"][..]),
            (&["HTTP_PROXY"], &["NO_PROXY"]),
            (&["http_proxy", "No_Proxy"], &[]),
        ] {
            let passed = passed();
            let found: Vec<_> = passed.build_args(others.iter().copied()).map(|(n, _)| n).collect();
            assert_eq!(found, expected, "{others:?}");
        }
    }

    #[test]
    fn a_container_gets_both_cases_as_with_docker_run() {
        let passed = passed();
        let found: Vec<String> = passed.variables(["HTTP_PROXY", "no_proxy"]).collect();
        assert_eq!(found, ["http_proxy=http://me:canary@p.example:1", "NO_PROXY=localhost"]);
    }

    #[test]
    fn the_password_of_a_proxy_is_known_and_not_shown() {
        let passed = passed();
        let passwords = passed.passwords().map(|password| password.expose().to_owned());
        assert_eq!(passwords.collect::<Vec<_>>(), ["canary"]);
        assert!(!format!("{passed:?}").contains("canary"));
        for (address, expected) in [
            ("http://p.example:1", None),
            ("http://me@p.example:1", None),
            ("http://me:@p.example:1", None),
            ("me:a:b@p.example", Some("b")),
            ("http://me:a%40b@p.example", Some("a%40b")),
        ] {
            assert_eq!(password(address), expected, "{address}");
        }
    }
}
