//! The error message in a server's response.

use serde_json::Value;

use crate::docker::Secret;
use crate::text::clean;

/// Characters of the message.
const MAX_LENGTH: usize = 300;

/// The message in the body of an error response, on one line, if there is one. `secret` is
/// redacted.
pub(super) fn of_body(body: &[u8], secret: Option<&Secret>) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let message = match serde_json::from_str::<Value>(&text) {
        Ok(json) => in_json(&json)?,
        // HTML pages are for browsers.
        Err(_) if text.trim_start().starts_with('<') => return None,
        Err(_) => text.lines().find(|line| !line.trim().is_empty())?.to_owned(),
    };
    let message = match secret.map(Secret::expose).filter(|secret| !secret.is_empty()) {
        Some(secret) => message.replace(secret, "[redacted]"),
        None => message,
    };
    Some(clean(message.trim(), MAX_LENGTH)).filter(|message| !message.is_empty())
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
    fn the_message_is_found_in_error_responses() {
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
            let message = of_body(body.as_bytes(), Some(&secret)).unwrap_or_default();
            assert_eq!(message, expected, "{body}");
        }
        let long = of_body("x".repeat(5000).as_bytes(), None).unwrap();
        assert_eq!(long.chars().count(), MAX_LENGTH);
    }
}
