//! Where build steps are cached beyond the engine, in BuildKit's terms.

use std::collections::HashMap;

use serde_json::json;

use crate::buildkit::CacheExport;
use crate::plan::{BuildRequest, Cache};

use super::machine::Environment;
use super::preflight::Obstacle;

/// Caches that BuildKit inside an engine keeps without our help.
const KINDS: &[&str] = &["registry", "inline", "gha"];

/// The attribute of the frontend that names the caches to take from; none where there are none.
pub(super) fn imports(caches: &[Cache], environment: Environment) -> Option<String> {
    let entries = caches.iter().filter_map(|cache| {
        let CacheExport { kind, attributes } = entry(cache, environment)?;
        Some(json!({ "Type": kind, "Attrs": attributes }))
    });
    let entries: Vec<_> = entries.collect();
    (!entries.is_empty()).then(|| serde_json::Value::from(entries).to_string())
}

/// The caches to write to.
pub(super) fn exports(caches: &[Cache], environment: Environment) -> Vec<CacheExport> {
    caches.iter().filter_map(|cache| entry(cache, environment)).collect()
}

/// One cache; nothing for that of GitHub Actions where nobody says how to reach it.
fn entry(cache: &Cache, environment: Environment) -> Option<CacheExport> {
    let mut attributes: HashMap<String, String> =
        cache.attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    if cache.kind == "gha" && !add_runner(&mut attributes, environment) {
        return None;
    }
    Some(CacheExport { kind: cache.kind.clone(), attributes })
}

/// Adds what the runner tells its steps in the environment; false where that is not enough.
///
/// Source: <https://docs.docker.com/build/cache/backends/gha/#authentication>
fn add_runner(attributes: &mut HashMap<String, String>, environment: Environment) -> bool {
    let variable = |name: &str| environment(name).and_then(|value| value.into_string().ok());
    let is_true = |value: String| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "t");
    let second = match attributes.get("version") {
        Some(version) => version == "2",
        None => variable("ACTIONS_CACHE_SERVICE_V2").is_some_and(is_true),
    };
    let results = variable("ACTIONS_RESULTS_URL");
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|_| !attributes.contains_key(key)) {
            attributes.insert(key.to_owned(), value);
        }
    };
    add("token", variable("ACTIONS_RUNTIME_TOKEN"));
    if second {
        add("version", Some("2".to_owned()));
        add("url_v2", results.clone());
    }
    add("url", variable("ACTIONS_CACHE_URL").or(results));
    let has = |key: &str| attributes.get(key).is_some_and(|value| !value.is_empty());
    has("token") && (has("url") || has("url_v2"))
}

/// Takes the cache of GitHub Actions out of `requests` where this is no runner, so that one matrix
/// serves there and on a person's own machine; tells whether there was any.
pub fn leave_out_idle(requests: &mut [BuildRequest], environment: Environment) -> bool {
    let mut any = false;
    for request in requests {
        for caches in [&mut request.cache_from, &mut request.cache_to] {
            let before = caches.len();
            caches.retain(|cache| entry(cache, environment).is_some());
            any |= caches.len() < before;
        }
    }
    any
}

/// What of the caches of `requests` cannot be had.
pub(super) fn obstacles(request: &BuildRequest) -> Option<Obstacle> {
    let named = |cache: &Cache| !KINDS.contains(&cache.kind.as_str());
    let all = || request.cache_from.iter().chain(&request.cache_to);
    if let Some(cache) = all().find(|cache| named(cache)) {
        return Some(Obstacle {
            message: match cache.kind.as_str() {
                "local" => "a cache in a folder of this machine is not supported".to_owned(),
                other => format!("`{other}` is no kind of cache known here"),
            },
            help: "keep the cache in a registry: type=registry,ref=REPOSITORY:TAG; inside the \
                   image: type=inline; or with GitHub Actions: type=gha"
                .to_owned(),
        });
    }
    if request.cache_from.iter().any(|cache| cache.kind == "inline") {
        return Some(Obstacle {
            message: "an inline cache is part of an image, and is taken from there".to_owned(),
            help: "name the image: --cache-from type=registry,ref=IMAGE:TAG".to_owned(),
        });
    }
    let lost = |cache: &&Cache| cache.kind == "registry" && !cache.attributes.contains_key("ref");
    all().find(lost).map(|_| Obstacle {
        message: "a cache in a registry lacks its place".to_owned(),
        help: "name it: type=registry,ref=REPOSITORY:TAG".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn cache(kind: &str, attributes: &[(&str, &str)]) -> Cache {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Cache { kind: kind.to_owned(), attributes: attributes.iter().map(own).collect() }
    }

    fn nowhere(_: &str) -> Option<OsString> {
        None
    }

    fn runner(name: &str) -> Option<OsString> {
        match name {
            "ACTIONS_CACHE_SERVICE_V2" => Some("True".into()),
            "ACTIONS_RESULTS_URL" => Some("https://results.example/".into()),
            "ACTIONS_RUNTIME_TOKEN" => Some("token".into()),
            _ => None,
        }
    }

    #[test]
    fn imports_are_a_list_in_the_frontends_json() {
        let caches = [cache("registry", &[("ref", "r.example/a:b")]), cache("gha", &[])];
        assert_eq!(
            imports(&caches, nowhere).unwrap(),
            r#"[{"Type":"registry","Attrs":{"ref":"r.example/a:b"}}]"#
        );
        assert_eq!(imports(&caches[1..], nowhere), None);
        assert_eq!(imports(&[], nowhere), None);
    }

    #[test]
    fn the_runners_cache_is_reached_by_what_the_runner_says() {
        let found = entry(&cache("gha", &[("scope", "s")]), runner).unwrap();
        let mut found: Vec<_> = found.attributes.into_iter().collect();
        found.sort();
        let wanted = [
            ("scope", "s"),
            ("token", "token"),
            ("url", "https://results.example/"),
            ("url_v2", "https://results.example/"),
            ("version", "2"),
        ];
        assert_eq!(found, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));

        let own = cache("gha", &[("version", "1"), ("url", "u"), ("token", "t")]);
        let kept = entry(&own, runner).unwrap().attributes;
        assert_eq!((kept.len(), kept["url"].as_str(), kept["token"].as_str()), (3, "u", "t"));
        assert!(entry(&cache("gha", &[]), nowhere).is_none());
        let mut requests = [super::super::samples::request()];
        requests[0].cache_to = vec![cache("gha", &[]), cache("inline", &[])];
        assert!(leave_out_idle(&mut requests, nowhere));
        assert_eq!(requests[0].cache_to, [cache("inline", &[])]);
        assert!(!leave_out_idle(&mut requests, nowhere));
    }
}
