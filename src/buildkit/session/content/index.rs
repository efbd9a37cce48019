//! index.json of an image layout: lists top-level blobs and their tags.

use serde_json::{Value, json};

/// The annotation with an entry's tag.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The same for images, whose names are more than a tag.
const IMAGE_NAME: &str = "io.containerd.image.name";

/// An index. Entries that other programs wrote are preserved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Index {
    content: Value,
}

impl Index {
    pub(super) fn new() -> Self {
        let media_type = "application/vnd.oci.image.index.v1+json";
        let content = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [] });
        Self { content }
    }

    /// Parses the content of index.json.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let content: Value =
            serde_json::from_slice(text).map_err(|error| format!("invalid JSON: {error}"))?;
        let is_index = content.is_object()
            && match &content["manifests"] {
                // Go writes an empty list as null.
                Value::Null => true,
                Value::Array(entries) => entries.iter().all(|entry| entry["digest"].is_string()),
                _ => false,
            };
        is_index
            .then_some(Self { content })
            .ok_or_else(|| "it is not an OCI image index".to_owned())
    }

    pub(super) fn text(&self) -> String {
        self.content.to_string()
    }

    /// The digest of the entry with this tag.
    pub(crate) fn find(&self, tag: &str) -> Option<&str> {
        let entry = self.entries().find(|entry| annotation(entry, REF_NAME) == Some(tag))?;
        entry["digest"].as_str()
    }

    /// The digest of the image with this tag, which may be part of a full name; without a tag
    /// `latest`, or the only image. The error lists the tags.
    pub(crate) fn image(&self, tag: Option<&str>) -> Result<&str, Vec<&str>> {
        let found = self.find(tag.unwrap_or("latest")).or_else(|| {
            let named = |entry: &&Value| {
                annotation(entry, IMAGE_NAME).is_some_and(|name| Some(name) == tag)
            };
            self.entries().find(named)?["digest"].as_str()
        });
        let all: Vec<&Value> = self.entries().collect();
        match (found, &*all, tag) {
            (Some(digest), ..) => Ok(digest),
            (None, [only], None) => Ok(only["digest"].as_str().unwrap_or_default()),
            _ => Err(all.into_iter().filter_map(|entry| annotation(entry, REF_NAME)).collect()),
        }
    }

    /// Adds `descriptor` with this tag, and removes the tag from other entries.
    pub(super) fn put(&mut self, descriptor: &Value, tag: &str) {
        let stays = |entry: &&Value| {
            annotation(entry, REF_NAME) != Some(tag) || annotation(entry, IMAGE_NAME).is_some()
        };
        let mut entries: Vec<Value> = self.entries().filter(stays).cloned().collect();
        let mut entry = descriptor.clone();
        entry["annotations"][REF_NAME] = tag.into();
        entries.push(entry);
        self.content["manifests"] = entries.into();
    }

    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.content["manifests"].as_array().into_iter().flatten()
    }
}

fn annotation<'v>(entry: &'v Value, name: &str) -> Option<&'v str> {
    entry["annotations"][name].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_refers_to_the_last_entry_and_other_entries_are_preserved() {
        let others = json!({
            "schemaVersion": 2,
            "artifactType": "kept",
            "manifests": [
                { "digest": "sha256:1", "annotations": { REF_NAME: "a" } },
                { "digest": "sha256:2", "annotations": { REF_NAME: "b", IMAGE_NAME: "x/y:b" } },
                { "digest": "sha256:3" },
            ],
        });
        let mut index = Index::parse(others.to_string().as_bytes()).unwrap();
        assert_eq!((index.find("a"), index.find("c")), (Some("sha256:1"), None));
        let descriptor = json!({ "digest": "sha256:4", "size": 7, "annotations": { "own": "1" } });
        index.put(&descriptor, "a");
        index.put(&descriptor, "b");
        let index = Index::parse(index.text().as_bytes()).unwrap();
        assert_eq!(index.find("a"), Some("sha256:4"));
        assert_eq!(index.content["artifactType"], "kept");
        let digests: Vec<_> = index.entries().map(|entry| entry["digest"].as_str()).collect();
        assert_eq!(digests, ["sha256:2", "sha256:3", "sha256:4", "sha256:4"].map(Some));
        assert_eq!(index.content["manifests"][2]["annotations"]["own"], "1");
        assert_eq!(index.content["manifests"][2]["size"], 7);
    }

    #[test]
    fn an_image_has_a_tag_or_is_the_only_one() {
        let one =
            json!({ "digest": "sha256:1", "annotations": { REF_NAME: "1", IMAGE_NAME: "x/y:1" } });
        let other = json!({ "digest": "sha256:2", "annotations": { REF_NAME: "latest" } });
        let plain = json!({ "digest": "sha256:3" });
        for (entries, tag, wanted) in [
            (vec![&one], None, Ok("sha256:1")),
            (vec![&plain], None, Ok("sha256:3")),
            (vec![&one, &other], None, Ok("sha256:2")),
            (vec![&one, &other], Some("1"), Ok("sha256:1")),
            (vec![&one, &other], Some("x/y:1"), Ok("sha256:1")),
            (vec![&one, &plain], None, Err(vec!["1"])),
            (vec![&one], Some("2"), Err(vec!["1"])),
            (vec![], None, Err(vec![])),
        ] {
            let text = json!({ "manifests": entries }).to_string();
            let index = Index::parse(text.as_bytes()).unwrap();
            assert_eq!(index.image(tag), wanted, "{tag:?} of {text}");
        }
    }

    #[test]
    fn an_invalid_index_is_refused() {
        for (text, wanted) in [
            ("{}", None),
            (r#"{"manifests":null}"#, None),
            (r#"{"manifests":[{}]}"#, Some("not an OCI image index")),
            (r#"{"manifests":{}}"#, Some("not an OCI image index")),
            ("[]", Some("not an OCI image index")),
            ("{", Some("EOF while parsing")),
            ("", Some("EOF while parsing")),
        ] {
            let error = Index::parse(text.as_bytes()).err().unwrap_or_default();
            assert!(error.contains(wanted.unwrap_or_default()), "{text}: {error}");
            assert_eq!(error.is_empty(), wanted.is_none(), "{text}: {error}");
        }
    }
}
