//! The known secrets of this run, in all forms in which others may repeat them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

use super::switch::is_on;

/// Shorter strings occur in too many unrelated words.
const MIN_SECRET: usize = 4;

/// A longer secret never fits into a value of the log.
const MAX_SECRET: usize = 8 * 1024;

/// Each secret has several forms. A run with more secrets logs no values at all.
const MAX_FORMS: usize = 4096;

const REPLACEMENT: &str = "[redacted]";

static FORMS: Mutex<Vec<Zeroizing<String>>> = Mutex::new(Vec::new());

/// Keeps `secret` out of the debug log from now on, in plain text and in any base64.
pub(crate) fn hide(secret: &str) {
    let secret = secret.trim();
    if !is_on() || !(MIN_SECRET..=MAX_SECRET).contains(&secret.len()) {
        return;
    }
    let mut known = locked();
    if known.iter().any(|form| form.as_str() == secret) || known.len() >= MAX_FORMS {
        return;
    }
    known.extend(forms(secret));
    // One secret may be part of another.
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    known.dedup();
}

/// `text` with all hidden secrets redacted.
pub(super) fn without(text: String) -> String {
    let known = locked();
    known
        .iter()
        .filter(|form| text.contains(form.as_str()))
        .fold(None, |redacted, form| {
            let redacted: String = redacted.unwrap_or_else(|| text.clone());
            Some(redacted.replace(form.as_str(), REPLACEMENT))
        })
        .unwrap_or(text)
}

fn locked() -> MutexGuard<'static, Vec<Zeroizing<String>>> {
    FORMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `secret`, its escaped forms in URLs and forms, and its possible forms in base64.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![Zeroizing::new(secret.to_owned())];
    let escaped = escaped(secret);
    if escaped.as_str() != secret {
        forms.push(escaped);
    }
    // Base64 encodes three bytes as four characters, so a string has a different form at each of
    // three offsets. Characters that also depend on the neighbouring bytes are omitted.
    for before in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(secret.as_bytes());
        let first = (before * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        for encoded in [STANDARD.encode(&*bytes), URL_SAFE.encode(&*bytes)] {
            let encoded = Zeroizing::new(encoded);
            forms.push(Zeroizing::new(encoded[first..last].to_owned()));
        }
    }
    forms.retain(|form| form.len() >= MIN_SECRET);
    forms
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(3 * text.len()));
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            byte => *escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escaped_as_in_a_url() {
        assert_eq!(*escaped("a b/c:d@ü-._~"), "a%20b%2Fc%3Ad%40%C3%BC-._~");
    }

    fn shows(secret: &str, text: &str) -> bool {
        let forms = forms(secret);
        !forms.iter().any(|form| text.contains(form.as_str()))
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_the_base64_of_any_surrounding_text(
            before in ".{0,8}", secret in "[!-~]{6,40}", after in ".{0,8}"
        ) {
            let text = format!("{before}{secret}{after}");
            prop_assert!(!shows(&secret, &text));
            prop_assert!(!shows(&secret, &STANDARD.encode(&text)));
            prop_assert!(!shows(&secret, &URL_SAFE.encode(&text)));
        }
    }
}
