//! Hides the secrets in URLs: passwords, and tokens in a query.
//!
//! A URL of a context, of `ADD` or of a proxy may have a login. BuildKit needs it, and repeats it in
//! names of steps and in errors. Text for people has `***` instead.

use std::borrow::Cow;
use std::ops::Range;

/// What ends the scheme of a URL.
const MARK: &str = "://";

/// What takes the place of a secret.
const HIDDEN: &str = "***";

/// `text` with `***` in place of each secret in a URL: `https://user:***@host/?token=***`.
///
/// Of an HTTP login without a password, the user is hidden, since it is a token. A variable such as
/// `${TOKEN}` is not hidden.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    replaced(text, secrets(text), |_| Cow::Borrowed(HIDDEN))
}

/// The same for text about hosts, addresses and references, such as an error. There, a login without a scheme
/// is one too: `user:***@host`.
pub(crate) fn redact_login(text: &str) -> Cow<'_, str> {
    replaced(text, logins(text), |_| Cow::Borrowed(HIDDEN))
}

/// The same with one `*` for each byte, so that all other text keeps its column.
pub(crate) fn redact_login_in_place(text: &str) -> Cow<'_, str> {
    replaced(text, logins(text), |length| Cow::Owned("*".repeat(length)))
}

/// What [`redact_login`] hides, to be hidden in a text that has only a part of `text`.
pub(crate) fn hidden_logins(text: &str) -> Vec<&str> {
    logins(text).into_iter().map(|secret| &text[secret]).collect()
}

/// `text` without `secrets`, which it has as whole words.
pub(crate) fn hide_words(text: &str, secrets: &[&str]) -> String {
    let is_part = |c: char| c.is_alphanumeric();
    let mut text = text.to_owned();
    for secret in secrets {
        let is_whole = |(at, _): &(usize, &str)| {
            !text[..*at].ends_with(is_part) && !text[at + secret.len()..].starts_with(is_part)
        };
        let places = text.match_indices(secret).filter(is_whole);
        let places = places.map(|(at, _)| at..at + secret.len()).collect();
        text = replaced(&text, places, |_| Cow::Borrowed(HIDDEN)).into_owned();
    }
    text
}

fn replaced(
    text: &str,
    secrets: Vec<Range<usize>>,
    hidden: impl Fn(usize) -> Cow<'static, str>,
) -> Cow<'_, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for secret in secrets {
        shown += &text[end..secret.start];
        shown += &hidden(secret.len());
        end = secret.end;
    }
    shown += &text[end..];
    Cow::Owned(shown)
}

/// The places of all secrets in URLs, in order.
fn secrets(text: &str) -> Vec<Range<usize>> {
    // Most text ends here. A search for one character is far faster than one for a string.
    if !(text.contains('@') || text.contains('=')) || !text.contains(MARK) {
        return Vec::new();
    }
    of_words(text, |word, report| of_urls(word, report))
}

/// The same with the logins that have no scheme.
fn logins(text: &str) -> Vec<Range<usize>> {
    if !text.contains(['@', '=']) || !text.contains(':') {
        return Vec::new();
    }
    of_words(text, |word, report| match word.contains(MARK) {
        true => of_urls(word, report),
        false => of_address(word, report),
    })
}

/// The places that `of_word` reports of each word.
fn of_words(text: &str, of_word: impl Fn(&str, &mut dyn FnMut(Range<usize>))) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(|c: char| c.is_whitespace() || "\"<>`".contains(c)) {
        of_word(word, &mut |secret| found.push(start + secret.start..start + secret.end));
        start += word.len();
    }
    found
}

/// Reports the password of `user:password@host` in a text without spaces, perhaps after `NAME=`.
fn of_address(word: &str, report: &mut dyn FnMut(Range<usize>)) {
    let Some(last) = last_at(word) else { return };
    let mut start = 0;
    while let Some(colon) = word[start..last].find(':') {
        start += colon + 1;
        match word[start..last].split_once('/') {
            // The port of a registry.
            Some((port, _)) if is_number(port) => start += port.len(),
            _ if is_hidden(&word[start..last]) => return report(start..last),
            _ => return,
        }
    }
}

/// Reports the secrets of the URLs in a text without spaces.
fn of_urls(word: &str, report: &mut dyn FnMut(Range<usize>)) {
    let mut last = None;
    let mut from = 0;
    while let Some(at) = word[from..].find(MARK) {
        let scheme = word[from..from + at].to_ascii_lowercase();
        let start = from + at + MARK.len();
        from = start;
        let last = *last.get_or_insert_with(|| last_at(word));
        if let Some(end) = login(&word[start..], last.and_then(|at| at.checked_sub(start))) {
            let is_http = scheme.ends_with("http") || scheme.ends_with("https");
            let secret = of_login(&word[start..start + end], is_http);
            let secret = start + secret.start..start + secret.end;
            if is_hidden(&word[secret.clone()]) {
                report(secret);
            }
            from = start + end;
        }
        let end = word[from..].find(MARK).map_or(word.len(), |next| from + next);
        // The address of an engine names files: `buildkit+tcp://host?key=key.pem`.
        let known = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let name = scheme.rsplit(|c| !known(c)).next().unwrap_or_default();
        if !matches!(name, "tcp" | "buildkit+tcp") {
            of_query(&word[from..end], |secret| report(from + secret.start..from + secret.end));
        }
    }
}

/// The length of `user:password` before the `@`, at the start of `rest`. `last` is the place of the last
/// `@` of the word.
fn login(rest: &str, last: Option<usize>) -> Option<usize> {
    let last = last?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    match last_at(authority) {
        Some(at) => Some(at),
        // A slash in a password that is not escaped.
        None => port(authority).is_some_and(|port| !is_number(port)).then_some(last),
    }
}

/// The text after the colon of `host:port`.
fn port(authority: &str) -> Option<&str> {
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let rest = bracketed.map_or(authority, |(_, rest)| rest);
    rest.split_once(':').map(|(_, port)| port)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The last `@` that does not begin the digest of an image, as in `docker-image://name:tag@sha256:…`.
fn last_at(text: &str) -> Option<usize> {
    let is_digest = |at: usize| {
        let algorithm = text[at + 1..].split_once(':').map(|(algorithm, _)| algorithm);
        algorithm.and_then(|name| name.strip_prefix("sha")).is_some_and(is_number)
    };
    text.rmatch_indices('@').map(|(at, _)| at).find(|at| !is_digest(*at))
}

/// The secret part of a login, which may be empty.
fn of_login(login: &str, is_http: bool) -> Range<usize> {
    match login.split_once(':') {
        // With `https://TOKEN:x-oauth-basic@github.com`, the user is the token.
        Some((user, "" | "x-oauth-basic")) => 0..user.len(),
        Some((user, _)) => user.len() + 1..login.len(),
        None if is_http => 0..login.len(),
        None => 0..0,
    }
}

/// Reports the values that are secret by their names. `text` is the rest of a URL after its login.
fn of_query(text: &str, mut report: impl FnMut(Range<usize>)) {
    const NAMES: &[&str] =
        &["token", "sig", "signature", "secret", "password", "passwd", "key", "credential", "auth"];
    let Some(mut start) = text.find(['?', '#']) else { return };
    for part in text[start..].split_inclusive(['?', '&', ';', '#']) {
        let value = part.trim_end_matches(['?', '&', ';', '#', '\'', ')', ',', '…']);
        let value = value.trim_end_matches(|c: char| c.is_whitespace() || "\"<>`".contains(c));
        if let Some((name, value)) = value.split_once('=') {
            let lower = name.to_ascii_lowercase();
            let at = start + name.len() + 1;
            if NAMES.iter().any(|known| lower.ends_with(known)) && is_hidden(value) {
                report(at..at + value.len());
            }
        }
        start += part.len();
    }
}

/// Whether a value has to be hidden: it has text, is not hidden already, and is not a variable.
fn is_hidden(value: &str) -> bool {
    let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    !value.bytes().all(|byte| byte == b'*') && !variable.is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (text, expected) in [
            ("https://u:canary@h/x", "https://u:***@h/x"),
            ("https://u:canary@h:8080", "https://u:***@h:8080"),
            ("HTTPS://u:canary@h", "HTTPS://u:***@h"),
            ("git+https://u:canary@h/x.git#main:sub", "git+https://u:***@h/x.git#main:sub"),
            ("tcp://u:canary@h:2376", "tcp://u:***@h:2376"),
            ("ssh://u:canary@h", "ssh://u:***@h"),
            ("socks5h://u:canary@h:1", "socks5h://u:***@h:1"),
            ("https://u:canary@[::1]:80/x", "https://u:***@[::1]:80/x"),
            ("://u:canary@h", "://u:***@h"),
            // A token in place of the user.
            ("https://canary@h/x", "https://***@h/x"),
            ("https://canary:@h/x", "https://***:@h/x"),
            ("https://canary:x-oauth-basic@h/x", "https://***:x-oauth-basic@h/x"),
            ("https://oauth2:canary@h/x", "https://oauth2:***@h/x"),
            // Characters that should be escaped.
            ("https://u:can@ary@h/x", "https://u:***@h/x"),
            ("https://u:can/ary@h/x", "https://u:***@h/x"),
            ("https://u:can?ary@h/x", "https://u:***@h/x"),
            ("https://u:can#ary@h/x", "https://u:***@h/x"),
            ("https://u:can:ary@h/x", "https://u:***@h/x"),
            ("https://u:can'a,ry@h/x", "https://u:***@h/x"),
            ("https://u:can://ary@h/x", "https://u:***@h/x"),
            ("https://u:cänary@h/x", "https://u:***@h/x"),
            ("https://u:$canary@h", "https://u:***@h"),
            // Around the URL.
            ("`https://u:canary@h`: no", "`https://u:***@h`: no"),
            ("'https://u:canary@h': no", "'https://u:***@h': no"),
            ("a=https://u:canary@h,b=http://v:canary@i", "a=https://u:***@h,b=http://v:***@i"),
            ("{\"a\":\"https://u:canary@h\"}", "{\"a\":\"https://u:***@h\"}"),
            ("ADD https://u:canary@h/x /x", "ADD https://u:***@h/x /x"),
            ("a\nhttps://u:canary@h\nb", "a\nhttps://u:***@h\nb"),
            ("https://a/?to=https://u:canary@h", "https://a/?to=https://u:***@h"),
            // Values of a query.
            ("https://h/x?X-Amz-Signature=canary&a=1", "https://h/x?X-Amz-Signature=***&a=1"),
            ("https://h/x?a=1&access_token=canary", "https://h/x?a=1&access_token=***"),
            ("https://h/x?sv=1;sig=canary%3D#x", "https://h/x?sv=1;sig=***#x"),
            ("https://h/x#access_token=canary", "https://h/x#access_token=***"),
            ("(https://h/x?api_key=canary)", "(https://h/x?api_key=***)"),
            ("https+tcp://h/x?token=canary", "https+tcp://h/x?token=***"),
            ("xtcp://h/x?key=canary", "xtcp://h/x?key=***"),
            ("\"https://u:canary@h/x?token=canary\"", "\"https://u:***@h/x?token=***\""),
        ] {
            assert_eq!(redact(text), expected, "{text}");
            let in_place = redact_login_in_place(text);
            assert!(!in_place.contains("canary") && in_place.len() == text.len(), "{in_place}");
            assert_eq!(redact(&in_place), in_place);
        }
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in [
            "https://h/x",
            "https://h:80/@scope/name@1.2",
            "https://h/x@y?z=a@b",
            "https://[::1]:80/@y",
            "https://[::1]/@y",
            "ssh://git@h/x",
            "git@github.com:o/x.git",
            "ssh://git@h:22/x",
            "docker-image://alpine:3.20@sha256:aa11",
            "docker-image://r.example:5000/a:1@sha256:aa11",
            "r.example:5000/a:1@sha256:aa11",
            "https://u:${TOKEN}@h",
            "https://${TOKEN}@h?token=${TOKEN}",
            "https://u:***@h",
            "https://h/x?token=&design=1&ref=main",
            "token=1",
            "https://",
            "https://@",
            "https://:@h",
            "u:p@h",
            "buildkit+tcp://h:1?key=key.pem",
            "tcp://h:1?key=key.pem",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_login_without_a_scheme_is_hidden_in_text_about_addresses() {
        for (text, expected) in [
            ("me:canary@r.example/a", "me:***@r.example/a"),
            ("a=me:canary@r.example/a", "a=me:***@r.example/a"),
            ("me:can@ary:@r.example", "me:***@r.example"),
            ("me:can/ary@h", "me:***@h"),
            ("r.example:5000/me:canary@h", "r.example:5000/me:***@h"),
            ("https://me:canary@h", "https://me:***@h"),
            ("https+tcp://h?token=canary", "https+tcp://h?token=***"),
            ("FROM me:canary@h/x AS a", "FROM me:***@h/x AS a"),
            ("image: \"me:canary@h/x\"", "image: \"me:***@h/x\""),
            ("`me:canary@h` and 'me:canary@h'", "`me:***@h` and 'me:***@h'"),
            ("type=registry,ref=me:canary@h", "type=registry,ref=me:***@h"),
        ] {
            assert_eq!(redact_login(text), expected, "{text}");
            let in_place = redact_login_in_place(text);
            assert!(!in_place.contains("canary") && in_place.len() == text.len(), "{in_place}");
            assert!(hidden_logins(text).iter().all(|secret| text.contains(secret)));
        }
        for text in [
            "me@h:22",
            "me:${TOKEN}@h",
            "git@github.com:o/x.git",
            "a:1@sha256:aa",
            "a:1@sha384:aa",
            "r.example:5000/a:1@sha256:aa",
            "r.example:5000/a@b",
            "matrix.yaml:1:2: wrong @",
            "a:1",
            "",
        ] {
            assert_eq!(redact_login(text), text);
        }
    }

    #[test]
    fn a_secret_is_hidden_in_other_text_as_a_whole_word() {
        let shown = hide_words("`a@h` is an `a`, (a/b), bad", &["a", "a/b"]);
        assert_eq!(shown, "`***@h` is an `***`, (***/b), bad");
    }

    proptest! {
        #[test]
        fn redacting_again_changes_nothing(text in parts()) {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
            prop_assert_eq!(redact_login_in_place(&text).len(), text.len());
            let once = redact_login(&text).into_owned();
            prop_assert_eq!(redact_login(&once), once.as_str());
        }

        #[test]
        fn no_word_of_a_password_remains(start in "[!-~&&[^\"<>`@/?#]]{0,8}", end in "[!-~&&[^\"<>`]]{0,8}") {
            let text = format!("a https://u:{start}canary{end}@h/x b");
            prop_assert!(!redact(&text).contains("canary"), "{text}");
        }
    }

    fn parts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("://"),
            Just("https://"),
            Just(":"),
            Just("@"),
            Just("/"),
            Just("?"),
            Just("&"),
            Just("#"),
            Just("token="),
            Just("'"),
            Just(","),
            Just(" "),
            Just("a"),
            Just("80"),
            Just("]"),
            Just("é"),
            Just("sha256:"),
            Just("*"),
            Just("${A}"),
            Just("x-oauth-basic"),
        ];
        proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }
}
