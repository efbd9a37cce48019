//! The path to the values of an axis in JSON: `.[].tag_name`.

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::error::listed;

/// A longer path is a mistake.
const MAX_STEPS: usize = 100;

/// The path to the values in a JSON document.
#[derive(Debug, Clone)]
pub(crate) struct JsonPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
    Each,
}

/// A string at the end of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// The object around it is marked as a pre-release: `"prerelease": true` in the APIs of GitHub
    /// and Gitea, `"isPrerelease": true` in `gh release list`, `"upcoming_release": true` in
    /// GitLab's API.
    pub(crate) is_prerelease: bool,
}

const PRERELEASE: [&str; 3] = ["prerelease", "isPrerelease", "upcoming_release"];
const DRAFT: [&str; 2] = ["draft", "isDraft"];

/// Why there are no values.
#[derive(Debug)]
pub(crate) enum PathError {
    NotJson(serde_json::Error),
    Nowhere(String),
}

impl JsonPath {
    /// Parses `.[].tag_name` or `.releases[0].version`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after.split_once(']')?;
                steps.push(match inside {
                    "" => Step::Each,
                    number => Step::Item(number.parse().ok()?),
                });
                rest = after;
            } else {
                let after = rest.strip_prefix('.')?;
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (key, after) = after.split_at(end);
                match key {
                    // `.[]` is `[]`.
                    "" if after.starts_with('[') || (steps.is_empty() && after.is_empty()) => {}
                    "" => return None,
                    key => steps.push(Step::Key(key.to_owned())),
                }
                rest = after;
            }
        }
        (!text.is_empty() && steps.len() <= MAX_STEPS).then_some(Self(steps))
    }

    /// The strings at the path. Numbers keep their digits as written: 3.10 is not 3.1.
    pub(crate) fn texts(&self, json: &str) -> Result<Vec<Found>, PathError> {
        let json: &RawValue = serde_json::from_str(json).map_err(PathError::NotJson)?;
        let mut found = Vec::new();
        follow(json, &self.0, false, &mut found).map_err(PathError::Nowhere)?;
        Ok(found)
    }
}

/// Objects and lists are parsed one level at a time, so that everything inside stays as written.
fn follow(
    json: &RawValue,
    path: &[Step],
    is_prerelease: bool,
    found: &mut Vec<Found>,
) -> Result<(), String> {
    let Some((step, rest)) = path.split_first() else {
        let text = match json.get().as_bytes() {
            [b'"', ..] => serde_json::from_str(json.get()).map_err(|error| error.to_string())?,
            [b'0'..=b'9' | b'-', ..] => json.get().to_owned(),
            // A release may lack the key.
            [b'n', ..] => return Ok(()),
            _ => return Err("it ends at a value that is neither a string nor a number".to_owned()),
        };
        found.push(Found { text, is_prerelease });
        return Ok(());
    };
    let object = || serde_json::from_str::<IndexMap<String, &RawValue>>(json.get()).ok();
    let list = || serde_json::from_str::<Vec<&RawValue>>(json.get()).ok();
    match step {
        Step::Key(key) => {
            let entries = object()
                .ok_or_else(|| format!("`.{key}` was applied to a value that is not an object"))?;
            let holds = |names: &[&str]| {
                let mut values = names.iter().filter_map(|name| entries.get(*name));
                values.any(|value| value.get() == "true")
            };
            if holds(&DRAFT) {
                return Ok(());
            }
            let value = entries.get(key.as_str()).ok_or_else(|| {
                let keys = || entries.keys().map(String::as_str);
                let known = match keys().next() {
                    Some(_) => listed(keys()),
                    None => "none".to_owned(),
                };
                format!("there is no `{key}`; known: {known}")
            })?;
            follow(value, rest, is_prerelease || holds(&PRERELEASE), found)
        }
        Step::Each => {
            let entries = || Some(object()?.into_values().collect());
            let items = list()
                .or_else(entries)
                .ok_or("`[]` was applied to a value that is not an array")?;
            items.iter().try_for_each(|item| follow(item, rest, is_prerelease, found))
        }
        Step::Item(index) => {
            let items = list().ok_or_else(|| {
                format!("`[{index}]` was applied to a value that is not an array")
            })?;
            let count = items.len();
            let item = items.get(*index);
            let item = item.ok_or_else(|| {
                format!("index {index} is out of range: the array has {count} items")
            })?;
            follow(item, rest, is_prerelease, found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, json: &str) -> Vec<String> {
        let found = JsonPath::parse(path).unwrap().texts(json).unwrap();
        found.into_iter().map(|found| found.text).collect()
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let json =
            r#"[3.10, 3.0, 1e3, 1E+3, 20241231235959999999, 0.10, -1, 1234567, "3.10", 1.0e-7]"#;
        let wanted = [
            "3.10",
            "3.0",
            "1e3",
            "1E+3",
            "20241231235959999999",
            "0.10",
            "-1",
            "1234567",
            "3.10",
            "1.0e-7",
        ];
        assert_eq!(texts(".[]", json), wanted);
        assert_eq!(
            texts(".python[].v", r#"{"python": [{"v": 3.8}, {"v": 3.10 }]}"#),
            ["3.8", "3.10"]
        );
        assert_eq!(texts(".", "3.10\n"), ["3.10"]);
        assert_eq!(texts("[0][1]", r#"[["a\u00e9\n", 1.10]]"#), ["1.10"]);
        assert_eq!(texts(".a", r#"{"a": 1, "\u0061": "\u00e9"}"#), ["é"]);
    }

    #[test]
    fn drafts_are_left_out_and_prereleases_are_marked() {
        let json = r#"[
            { "tag_name": "v3", "draft": true, "prerelease": false },
            { "tag_name": "v2", "draft": false, "prerelease": true },
            { "isDraft": true, "tag_name": "v4" },
            { "isPrerelease": true, "tag_name": "v5" },
            { "upcoming_release": true, "tag_name": "v6" },
            { "prerelease": false, "tag_name": "v1" }
        ]"#;
        let found = JsonPath::parse(".[].tag_name").unwrap().texts(json).unwrap();
        let found: Vec<(&str, bool)> = found.iter().map(|f| (&*f.text, f.is_prerelease)).collect();
        assert_eq!(found, [("v2", true), ("v5", true), ("v6", true), ("v1", false)]);
    }

    #[test]
    fn the_depth_of_a_path_is_limited() {
        assert!(JsonPath::parse(&".a".repeat(MAX_STEPS)).is_some());
        assert!(JsonPath::parse(&".a".repeat(MAX_STEPS + 1)).is_none());
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(JsonPath::parse("[]").unwrap().texts(&deep).is_err());
    }
}
