//! Matches registry hosts with the keys of the config file.

use indexmap::IndexMap;

/// Docker Hub's key: the URL of its first API, which no longer exists.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The canonical name of a host, the same for all its spellings.
pub(super) fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => host,
    }
}

/// The server name to pass to a credential helper.
pub(super) fn server(host: &str) -> &str {
    if host == "docker.io" { HUB_KEY } else { host }
}

/// The entry of a canonical host. An exact key takes precedence over one with a scheme or path.
pub(super) fn find<'a, T>(entries: &'a IndexMap<String, T>, host: &str) -> Option<&'a T> {
    entries
        .get(server(host))
        .or_else(|| entries.get(host))
        .or_else(|| entries.iter().find(|(key, _)| belongs(key, host)).map(|(_, entry)| entry))
}

/// Whether `key` is one of the keys of a canonical host.
pub(super) fn is_key_of(key: &str, host: &str) -> bool {
    key == server(host) || belongs(key, host)
}

fn belongs(key: &str, host: &str) -> bool {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    // `docker login` also stores Hub's web tokens, under …/v1/access-token and similar keys: they
    // are not registry logins.
    let hub_token = host == "docker.io" && !matches!(path, "" | "v1" | "v1/" | "v2" | "v2/");
    canonical(name) == host && !hub_token
}
