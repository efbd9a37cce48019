//! What a server says of a request that it refuses.

use serde_json::Value;

use crate::docker::Secret;
use crate::text::clean;

/// Characters of its sentence.
const LONGEST: usize = 300;

/// The sentence in the body of a refusal, on one line, if there is one. `secret` is not repeated.
pub(super) fn sentence(body: &[u8], secret: Option<&Secret>) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_str::<Value>(&text) {
        Ok(json) => in_json(&json)?,
        // A page is made for browsers.
        Err(_) if text.trim_start().starts_with('<') => return None,
        Err(_) => text.lines().find(|line| !line.trim().is_empty())?.to_owned(),
    };
    let said = match secret.map(Secret::expose).filter(|secret| !secret.is_empty()) {
        Some(secret) => said.replace(secret, "[redacted]"),
        None => said,
    };
    Some(clean(said.trim(), LONGEST)).filter(|said| !said.is_empty())
}

fn in_json(json: &Value) -> Option<String> {
    if let Some(text) = json.as_str() {
        return Some(text.to_owned());
    }
    const KEYS: [&str; 5] = ["message", "error_description", "detail", "error", "title"];
    let direct = KEYS.iter().find_map(|key| json.get(key));
    let first = || json.get("errors")?.get(0);
    match direct.or_else(first)? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => Some(inner.get("message")?.as_str()?.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_refusal_is_found_in_what_servers_send() {
        let secret = Secret::new("canary-7f3a");
        for (body, expected) in [
            (r#"{"message":"API rate limit exceeded"}"#, "API rate limit exceeded"),
            (r#"{"error":{"message":"no such project"}}"#, "no such project"),
            (r#"{"errors":[{"code":"X","message":"busy"}]}"#, "busy"),
            (r#"{"error":"x","error_description":"expired"}"#, "expired"),
            (r#""plain""#, "plain"),
            ("\n  too many\nrequests", "too many"),
            ("::error::x", ": :error::x"),
            (
                r#"{"message":"token canary-7f3a\u001b[2J\n##[error]x"}"#,
                "token [redacted] ## [error]x",
            ),
            ("<html>429</html>", ""),
            ("{}", ""),
            ("[]", ""),
            ("", ""),
        ] {
            let said = sentence(body.as_bytes(), Some(&secret)).unwrap_or_default();
            assert_eq!(said, expected, "{body}");
        }
        let long = sentence("x".repeat(5000).as_bytes(), None).unwrap();
        assert_eq!(long.chars().count(), LONGEST);
    }
}
