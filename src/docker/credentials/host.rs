//! Which key of the config file belongs to which host.

use indexmap::IndexMap;

/// Docker Hub's key: an address of its long gone first interface.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The name under which all spellings of a host are one.
pub(super) fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => host,
    }
}

/// What a credential helper is asked for.
pub(super) fn server(host: &str) -> &str {
    if host == "docker.io" { HUB_KEY } else { host }
}

/// The entry of a canonical host: its exact key before one that only differs by scheme and path.
pub(super) fn find<'a, T>(entries: &'a IndexMap<String, T>, host: &str) -> Option<&'a T> {
    entries
        .get(server(host))
        .or_else(|| entries.get(host))
        .or_else(|| entries.iter().find(|(key, _)| belongs(key, host)).map(|(_, entry)| entry))
}

fn belongs(key: &str, host: &str) -> bool {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    // `docker login` keeps Hub's web tokens beside its password, as …/v1/access-token and the
    // like: no login for the registry.
    let hub_token = host == "docker.io" && !matches!(path, "" | "v1" | "v1/" | "v2" | "v2/");
    canonical(name) == host && !hub_token
}
