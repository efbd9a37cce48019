//! What this run knows to be secret, in the forms in which others may repeat it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

use super::switch::is_on;

/// What is shorter is found in too many words that have nothing to do with it.
const SHORTEST: usize = 4;

/// A secret that is longer than this never fits into a value of the log.
const LONGEST: usize = 8 * 1024;

/// Each secret has several forms. A run that has more secrets logs none of their values anyway.
const MOST_FORMS: usize = 4096;

const REPLACEMENT: &str = "[redacted]";

static FORMS: Mutex<Vec<Zeroizing<String>>> = Mutex::new(Vec::new());

/// Keeps `secret` out of the debug log from here on, in plain text and inside of any base64.
pub fn hide(secret: &str) {
    let secret = secret.trim();
    if !is_on() || !(SHORTEST..=LONGEST).contains(&secret.len()) {
        return;
    }
    let mut known = locked();
    if known.iter().any(|form| form.as_str() == secret) || known.len() >= MOST_FORMS {
        return;
    }
    known.extend(forms(secret));
    // One may be a part of another.
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    known.dedup();
}

/// `text` without what is hidden.
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

/// `secret`, its escaped form in URLs and in forms, and what it looks like inside of base64.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut forms = vec![Zeroizing::new(secret.to_owned())];
    let escaped = escaped(secret);
    if escaped.as_str() != secret {
        forms.push(escaped);
    }
    // Base64 writes three bytes as four characters, so that a text looks different at each of three
    // places. Characters that also depend on what comes before or after are left out.
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
    forms.retain(|form| form.len() >= SHORTEST);
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
        fn base64_of_any_text_around_a_secret_is_found(
            before in ".{0,8}", secret in "[!-~]{6,40}", after in ".{0,8}"
        ) {
            let text = format!("{before}{secret}{after}");
            prop_assert!(!shows(&secret, &text));
            prop_assert!(!shows(&secret, &STANDARD.encode(&text)));
            prop_assert!(!shows(&secret, &URL_SAFE.encode(&text)));
        }
    }
}
