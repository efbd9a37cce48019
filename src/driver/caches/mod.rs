//! Caches outside the engine, in BuildKit's terms.

pub(crate) mod directories;
pub(crate) mod idle;

use std::collections::HashMap;

use serde_json::json;

use crate::buildkit::CacheExport;
use crate::input::{Cache, truth};
use crate::plan::BuildRequest;

use super::obstacle::Obstacle;
use crate::driver::environment::Environment;

/// The frontend attribute with the caches to read, or `None` if there are none.
pub(crate) fn imports(caches: &[Cache], environment: Environment) -> Option<String> {
    let entries = caches.iter().filter_map(|cache| {
        let CacheExport { kind, attributes } = entry(cache, environment)?;
        Some(json!({ "Type": kind, "Attrs": attributes }))
    });
    let entries: Vec<_> = entries.collect();
    (!entries.is_empty()).then(|| serde_json::Value::from(entries).to_string())
}

/// The caches to write to.
pub(crate) fn exports(caches: &[Cache], environment: Environment) -> Vec<CacheExport> {
    caches.iter().filter_map(|cache| entry(cache, environment)).collect()
}

/// One cache. `None` for a GitHub Actions cache whose URL and token are not known.
fn entry(cache: &Cache, environment: Environment) -> Option<CacheExport> {
    let mut attributes: HashMap<String, String> =
        cache.attributes.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    if cache.kind == "gha" && !add_runner(&mut attributes, environment) {
        return None;
    }
    Some(CacheExport { kind: cache.kind.clone(), attributes })
}

/// Adds the URL and the token that the runner sets in the environment. Returns whether they are
/// complete.
///
/// Source: <https://docs.docker.com/build/cache/backends/gha/#authentication>
fn add_runner(attributes: &mut HashMap<String, String>, environment: Environment) -> bool {
    let variable = |name: &str| {
        let value = environment(name).and_then(|value| value.into_string().ok());
        value.filter(|value| !value.is_empty())
    };
    let second = match attributes.get("version") {
        Some(version) => version == "2",
        None => {
            variable("ACTIONS_CACHE_SERVICE_V2").is_some_and(|value| truth(&value) == Some(true))
        }
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

/// The first problem with the cache settings of `request`.
pub(crate) fn obstacles(request: &BuildRequest) -> Option<Obstacle> {
    let from = request.policy.caches.from.iter().find_map(|cache| obstacle(FROM, cache));
    from.or_else(|| request.policy.caches.to.iter().find_map(|cache| obstacle(TO, cache)))
}

const FROM: &str = "--cache-from";
const TO: &str = "--cache-to";

fn obstacle(flag: &str, cache: &Cache) -> Option<Obstacle> {
    let lacks = |name: &str| cache.attributes.get(name).is_none_or(String::is_empty);
    let attribute = if flag == FROM { "src" } else { "dest" };
    let (message, help) = match cache.kind.as_str() {
        "inline" if flag == FROM => (
            "an inline cache is part of an image, and is read from the image".to_owned(),
            "use the image: --cache-from type=registry,ref=IMAGE:TAG".to_owned(),
        ),
        "registry" if lacks("ref") => (
            format!("a cache of type=registry in {flag} needs `ref`"),
            "add it: type=registry,ref=REPOSITORY:TAG".to_owned(),
        ),
        "local" if lacks(attribute) => (
            format!("a cache of type=local in {flag} needs `{attribute}`"),
            format!("add it: {flag} type=local,{attribute}=DIRECTORY"),
        ),
        "registry" | "inline" | "local" | "gha" => return None,
        other => (
            format!("unknown cache type `{other}`"),
            "use a registry: type=registry,ref=REPOSITORY:TAG; a directory: \
             type=local,dest=DIRECTORY; the image itself: type=inline; or GitHub Actions: type=gha"
                .to_owned(),
        ),
    };
    Some(Obstacle { message, help })
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
    fn imports_are_a_json_list() {
        let caches = [cache("registry", &[("ref", "r.example/a:b")]), cache("gha", &[])];
        assert_eq!(
            imports(&caches, nowhere).unwrap(),
            r#"[{"Type":"registry","Attrs":{"ref":"r.example/a:b"}}]"#
        );
        assert_eq!(imports(&caches[1..], nowhere), None);
        assert_eq!(imports(&[], nowhere), None);
    }

    #[test]
    fn the_gha_cache_uses_the_url_and_token_of_the_runner() {
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
    }
}
