//! Reads the errors in a registry's answer.

use serde::Deserialize;

use super::retry::retry_after;
use super::wire::Answer;
use crate::docker::Secret;
use crate::failure::{ApiError, RegistryFault};

/// Further entries are ignored. Registries usually send one.
const MAX_ERRORS: usize = 4;
const MAX_MESSAGE: usize = 200;

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

/// The errors in a body; empty if the body is not an error envelope. Strings in `secrets` are
/// redacted, because a registry may repeat what it was sent.
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
        text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect::<String>()
    };
    let raw = envelope.errors.into_iter().take(MAX_ERRORS);
    raw.map(|error| ApiError {
        code: clean(&error.code),
        message: clean(&error.message.unwrap_or_default()),
    })
    .collect()
}

/// The fault for an answer with an error status.
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
    fn an_envelope_is_parsed_stripped_of_control_characters_and_redacted() {
        let body =
            br#"{"errors": [{"code": "NAME_INVALID", "message": "b\u001b[31mad canary-7f3a"},
            {"code": "UNKNOWN", "message": null, "detail": {"a": 1}}]}"#;
        let errors = errors(body, &[Secret::new("canary-7f3a"), Secret::new("")]);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["NAME_INVALID: b[31mad [redacted]", "UNKNOWN"]);
    }

    #[test]
    fn a_body_that_is_not_an_envelope_has_no_errors() {
        for body in ["", "<html>502</html>", "{}", "[]", r#"{"errors": "x"}"#] {
            assert_eq!(errors(body.as_bytes(), &[]), [], "{body}");
        }
    }

    #[test]
    fn long_messages_and_lists_are_truncated() {
        let one = format!(r#"{{"code": "X", "message": "{}"}}"#, "y".repeat(5000));
        let body = format!(r#"{{"errors": [{}]}}"#, vec![one; 50].join(","));
        let errors = errors(body.as_bytes(), &[]);
        assert_eq!(errors.len(), MAX_ERRORS);
        assert_eq!(errors[0].message.len(), MAX_MESSAGE);
    }
}
