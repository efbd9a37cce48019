//! `onebuild schema`: the JSON schema of matrix.yaml.

use std::process::ExitCode;

use crate::error::Error;
use crate::run::terminal;

const SCHEMA: &str = include_str!("../../matrix.schema.json");

pub(super) fn run() -> Result<ExitCode, Error> {
    terminal::stdout(SCHEMA);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::SCHEMA;
    use crate::error::SourceFile;
    use crate::matrix::{Matrix, SETTINGS};

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    fn keys(schema: &Value) -> BTreeSet<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    /// The keys that the reader lists as known in its error for an unknown key.
    fn known(matrix: &str) -> BTreeSet<String> {
        let errors = Matrix::parse(SourceFile::new("matrix.yaml", matrix)).unwrap_err();
        let found = errors.iter().find(|error| error.message == "unknown key `qqqqqqqqqqqq`");
        let help = found.and_then(|error| error.help.clone()).expect("it is unknown");
        let list = help.strip_prefix("known keys: ").expect("the known ones are listed");
        list.split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_knows_the_keys_that_the_reader_knows() {
        assert_eq!(keys(&schema()), known("qqqqqqqqqqqq: 1"));
        let tag = &schema()["properties"]["tags"]["items"]["anyOf"][1];
        assert_eq!(keys(tag), known("tags: [{ qqqqqqqqqqqq: 1 }]"));
        let settings: BTreeSet<String> = SETTINGS.into_iter().map(str::to_owned).collect();
        assert_eq!(keys(&schema()["definitions"]["layer"]), settings);
        let file = &schema()["definitions"]["file"];
        assert_eq!(keys(file), known("files: { f: { template: t, qqqqqqqqqqqq: 1 } }"));
        let outside = &schema()["definitions"]["axis"]["anyOf"][2];
        assert_eq!(keys(outside), known("axes: { a: { from: x, qqqqqqqqqqqq: 1 } }"));
        let secret = &schema()["definitions"]["secrets"]["additionalProperties"];
        assert_eq!(keys(secret), known("secrets: { a: { env: A, qqqqqqqqqqqq: 1 } }"));
        let test = &schema()["definitions"]["test"]["anyOf"][2];
        assert_eq!(keys(test), known("test: { qqqqqqqqqqqq: 1 }"));
    }

    #[test]
    fn what_the_schema_requires_the_reader_requires() {
        let errors = Matrix::parse(SourceFile::new("matrix.yaml", "x-a: 1")).unwrap_err();
        let missing: BTreeSet<String> = errors
            .iter()
            .filter_map(|error| error.message.strip_suffix("` is missing")?.strip_prefix('`'))
            .map(str::to_owned)
            .collect();
        // A file that extends another need not say all itself.
        let mut required: BTreeSet<String> = schema()["else"]["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect();
        // It is one of two keys, which the schema says elsewhere.
        required.insert("tag".to_owned());
        assert_eq!(missing, required);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, root: &Value) {
            if let Some(path) = value.get("$ref").and_then(Value::as_str) {
                assert!(root.pointer(path.trim_start_matches('#')).is_some(), "{path}");
            }
            match value {
                Value::Object(map) => map.values().for_each(|value| walk(value, root)),
                Value::Array(list) => list.iter().for_each(|value| walk(value, root)),
                _ => {}
            }
        }
        walk(&schema(), &schema());
    }
}
