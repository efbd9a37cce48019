//! Whether a value is as one of our JSON schemas says, for tests.

use serde_json::Value;

use crate::record::Timestamp;

/// Fails if `value` is not as `schema` says.
pub(crate) fn valid(schema: &Value, value: &Value) {
    let fault = faults(schema, value);
    assert!(fault.is_none(), "{}\n{value}", fault.unwrap_or_default());
}

/// What of `value` is not as `schema` says.
pub(crate) fn faults(schema: &Value, value: &Value) -> Option<String> {
    wrong(schema, schema, value)
}

/// What of `value` is not as `rule` says: the keywords that the schemas use, and no properties that they do
/// not name.
fn wrong(root: &Value, rule: &Value, value: &Value) -> Option<String> {
    if let Some(name) = rule["$ref"].as_str() {
        let rule = root.pointer(name.strip_prefix('#').unwrap()).expect("a definition");
        return wrong(root, rule, value);
    }
    if let Some(rules) = rule["oneOf"].as_array() {
        let found: Vec<Option<String>> =
            rules.iter().map(|rule| wrong(root, rule, value)).collect();
        return match found.iter().filter(|fault| fault.is_none()).count() {
            1 => None,
            count => Some(format!("{count} of the rules hold: {found:?}")),
        };
    }
    let not = |what: &str| Some(format!("{value} is not {what} as in {rule}"));
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other}"),
    };
    let is_typed = match &rule["type"] {
        Value::Null => true,
        Value::String(kind) => is(kind),
        kinds => kinds.as_array().unwrap().iter().any(|kind| is(kind.as_str().unwrap())),
    };
    if !is_typed {
        return not("of the type");
    }
    if !rule["const"].is_null() && rule["const"] != *value {
        return not("the constant");
    }
    if rule["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return not("one of the values");
    }
    let number = value.as_f64().unwrap_or(0.0);
    if rule["minimum"].as_f64().is_some_and(|least| number < least)
        || rule["maximum"].as_f64().is_some_and(|most| number > most)
    {
        return not("in the range");
    }
    // The patterns have digits, and what stands between them.
    if let (Some(pattern), Some(text)) = (rule["pattern"].as_str(), value.as_str())
        && pattern.ends_with("Z$")
        && (text.len() != 24 || text.parse::<Timestamp>().is_err())
    {
        return not("a time");
    }
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|item| wrong(root, &rule["items"], item));
    }
    let fields = value.as_object()?;
    let required = rule["required"].as_array().into_iter().flatten();
    for name in required.map(|name| name.as_str().unwrap()) {
        if !fields.contains_key(name) {
            return Some(format!("{value} has no `{name}`"));
        }
    }
    fields.iter().find_map(|(name, field)| match &rule["properties"][name] {
        Value::Null => match &rule["additionalProperties"] {
            Value::Null => Some(format!("`{name}` is not in {rule}")),
            other => wrong(root, other, field),
        },
        known => wrong(root, known, field),
    })
}
