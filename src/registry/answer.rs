//! The errors that a registry's answer may hold.

use serde::Deserialize;

use super::retry::retry_after;
use super::wire::Answer;
use crate::docker::Secret;
use crate::failure::{ApiError, RegistryFault};

/// More are not read; one is the rule.
const MOST_ERRORS: usize = 4;
const LONGEST_MESSAGE: usize = 200;

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<RawError>,
}

#[derive(Deserialize)]
struct RawError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// The entries of a body; none where it is not an envelope. What is in `secrets` is redacted: a
/// registry may repeat what it was sent.
fn errors(body: &[u8], secrets: &[Secret]) -> Vec<ApiError> {
    let envelope: Envelope = match serde_json::from_slice(body) {
        Ok(envelope) => envelope,
        Err(_) => return Vec::new(),
    };
    let clean = |text: &str| {
        let mut text = text.to_owned();
        for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
            text = text.replace(secret.expose(), "[redacted]");
        }
        text.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect::<String>()
    };
    let raw = envelope.errors.into_iter().take(MOST_ERRORS);
    raw.map(|error| ApiError {
        code: clean(&error.code),
        message: clean(&error.message.unwrap_or_default()),
    })
    .collect()
}

/// The fault of an answer that is no success.
pub(super) fn fault(answer: &Answer, with_login: bool, secrets: &[Secret]) -> RegistryFault {
    match answer.status {
        401 => RegistryFault::Unauthorized { with_login },
        403 => RegistryFault::Denied { with_login },
        404 => RegistryFault::NotFound,
        429 => RegistryFault::RateLimited { wait: retry_after(&answer.headers) },
        status => {
            RegistryFault::Status { status: Some(status), errors: errors(&answer.body, secrets) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_cleaned_and_blotted() {
        let body =
            br#"{"errors": [{"code": "NAME_INVALID", "message": "b\u001b[31mad canary-7f3a"},
            {"code": "UNKNOWN", "message": null, "detail": {"a": 1}}]}"#;
        let errors = errors(body, &[Secret::new("canary-7f3a"), Secret::new("")]);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["NAME_INVALID: b[31mad [redacted]", "UNKNOWN"]);
    }

    #[test]
    fn what_is_not_an_envelope_says_nothing() {
        for body in ["", "<html>502</html>", "{}", "[]", r#"{"errors": "x"}"#] {
            assert_eq!(errors(body.as_bytes(), &[]), [], "{body}");
        }
    }

    #[test]
    fn long_messages_and_long_lists_are_cut() {
        let one = format!(r#"{{"code": "X", "message": "{}"}}"#, "y".repeat(5000));
        let body = format!(r#"{{"errors": [{}]}}"#, vec![one; 50].join(","));
        let errors = errors(body.as_bytes(), &[]);
        assert_eq!(errors.len(), MOST_ERRORS);
        assert_eq!(errors[0].message.len(), LONGEST_MESSAGE);
    }
}
