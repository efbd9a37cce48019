//! BuildKit's sentences in a person's terms.
//!
//! BuildKit wraps what its libraries say in what each layer of them was about to do. What a person
//! needs is the last cause and who it came from; the whole text is kept beside it.

use crate::image::Reference;

/// What to tell of a failure.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// BuildKit's own text, where `message` does not hold it.
    pub(super) verbatim: Option<String>,
}

/// What BuildKit was doing with an image in some registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Pull,
    Push,
}

const PULLING: &str = "failed to resolve source metadata for ";
const PUSHING: &str = "failed to push ";

/// The registry that wanted another login, or a login at all.
pub(super) fn login_host(message: &str) -> Option<String> {
    let (_, image, said) = registry_trouble(message)?;
    (cause(said) == Some(Cause::Login)).then(|| image.repository.host().to_owned())
}

/// Puts `message` into words. `had_login` tells whether a login for [`login_host`] was at hand,
/// `instruction` is the one that failed.
pub(super) fn words(message: &str, had_login: bool, instruction: Option<&str>) -> Words {
    let plain = unwrapped(message);
    let told = match registry_trouble(message) {
        Some((act, image, said)) => registry_words(act, &image, said, had_login),
        None => missing_source(plain, instruction).or_else(|| other(plain)),
    };
    match told {
        Some((message, help)) => {
            let verbatim = (message != plain).then(|| plain.to_owned());
            Words { message, help: (!help.is_empty()).then_some(help), verbatim }
        }
        None => Words { message: plain.to_owned(), ..Words::default() },
    }
}

/// Pulling or pushing which image, and what was said of it.
fn registry_trouble(message: &str) -> Option<(Act, Reference, &str)> {
    let (act, rest) = [(Act::Pull, PULLING), (Act::Push, PUSHING)]
        .into_iter()
        .find_map(|(act, head)| Some((act, message.split_once(head)?.1)))?;
    let (image, said) = rest.split_once(": ")?;
    Some((act, image.parse().ok()?, said))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    Login,
    TooMany,
    Refused,
    NoSuchHost,
    NoAnswer,
    Certificate,
    PlainHttp,
    Platform,
    Broken,
    NotFound,
}

/// The first that fits: an earlier one may be said in the words of a later one.
fn cause(said: &str) -> Option<Cause> {
    const SIGNS: &[(Cause, &[&str])] = &[
        (Cause::TooMany, &["429 Too Many", "toomanyrequests"]),
        (
            Cause::Login,
            &[
                "401 Unauth",
                "403 Forbidden",
                "access denied",
                "authorization failed",
                "no basic auth",
                "insufficient_scope",
            ],
        ),
        (Cause::Refused, &["connection refused"]),
        (Cause::NoSuchHost, &["no such host", "server misbehaving", "Temporary failure in name"]),
        (
            Cause::NoAnswer,
            &[
                "i/o timeout",
                "deadline exceeded",
                "no route to host",
                "network is unreachable",
                "handshake timeout",
            ],
        ),
        (Cause::PlainHttp, &["server gave HTTP response to HTTPS client"]),
        (Cause::Certificate, &["x509:", "tls: "]),
        (Cause::Platform, &["no match for platform"]),
        (Cause::Broken, &["500 Internal", "502 Bad", "503 Service", "504 Gateway"]),
        (Cause::NotFound, &["not found", "404 Not"]),
    ];
    let fits = |signs: &[&str]| signs.iter().any(|sign| said.contains(sign));
    SIGNS.iter().find(|(_, signs)| fits(signs)).map(|(cause, _)| *cause)
}

/// The sentence and what to do, which may be nothing.
fn registry_words(
    act: Act,
    image: &Reference,
    said: &str,
    had_login: bool,
) -> Option<(String, String)> {
    let host = image.repository.host();
    let name = image.short();
    let repository = image.repository.familiar();
    let log_in =
        if host == "docker.io" { "docker login".into() } else { format!("docker login {host}") };
    let elsewhere = format!("take it from elsewhere: --base {name}=OTHER");
    let reach = "the engine's machine must reach it, not only this one";
    let (sentence, help) = match (cause(said)?, act) {
        (Cause::Login, Act::Push) if had_login => (
            format!("{host} did not accept the login at hand"),
            format!("log in as a user who may push to {repository}: {log_in}"),
        ),
        (Cause::Login, Act::Push) => {
            (format!("{host} wants a login, and none is at hand"), format!("log in: {log_in}"))
        }
        (Cause::Login, Act::Pull) if had_login => (
            format!("{host} did not accept the login at hand for {name}"),
            format!("log in as a user who may pull it ({log_in}), or {elsewhere}"),
        ),
        (Cause::Login, Act::Pull) => (
            format!("{name} is not there, or not for everybody, and no login is at hand"),
            format!("check the name in FROM, log in ({log_in}), or {elsewhere}"),
        ),
        (Cause::TooMany, _) => (
            format!("{host} answers no more for now: too many requests"),
            format!("wait, or log in ({log_in}): a user may ask more often than nobody"),
        ),
        (Cause::NotFound, Act::Pull) => (
            format!("{host} has no image {name}"),
            match said.split_once("(did you mean ").and_then(|(_, rest)| rest.split_once("?)")) {
                Some((stage, _)) => format!("is the stage `{stage}` meant? or {elsewhere}"),
                None => format!("check the name in FROM, or {elsewhere}"),
            },
        ),
        (Cause::NotFound, Act::Push) => {
            (format!("{host} takes no {repository}"), "check that the repository exists".into())
        }
        (Cause::Platform, _) => (
            format!("{name} is not published for this platform"),
            format!("leave the platform out with --platform, or {elsewhere}"),
        ),
        (Cause::Refused, _) => (
            format!("{host} refused the connection"),
            format!("check that a registry is running there; {reach}"),
        ),
        (Cause::NoSuchHost, _) => {
            (format!("{host} is no known host"), format!("check the name; {reach}"))
        }
        (Cause::NoAnswer, _) => {
            (format!("{host} cannot be reached"), format!("check the network; {reach}"))
        }
        (Cause::Certificate, _) => (
            format!("{host} has no certificate that the engine trusts"),
            format!(
                "put its authority into /etc/docker/certs.d/{host}/ca.crt on the engine's machine"
            ),
        ),
        (Cause::PlainHttp, _) => (
            format!("{host} speaks plain http, which the engine does not accept"),
            "name it in \"insecure-registries\" in the engine's daemon.json, if it must be so"
                .to_owned(),
        ),
        (Cause::Broken, _) => (
            format!("{host} is in trouble itself"),
            "wait, and run it again: what was built is in the cache".to_owned(),
        ),
    };
    let sentence = match act {
        Act::Push => format!("not pushed: {sentence}"),
        Act::Pull => sentence,
    };
    Some((sentence, help))
}

/// What COPY or ADD did not find: `failed to calculate checksum of ref …: "/x": not found`.
fn missing_source(plain: &str, instruction: Option<&str>) -> Option<(String, String)> {
    let (_, rest) = plain.split_once("failed to calculate checksum of ref ")?;
    let path = rest.strip_suffix(": not found")?.rsplit_once(": ")?.1;
    let path = path.trim_matches('"').trim_start_matches('/');
    let from = instruction.and_then(|text| text.split("--from=").nth(1)?.split(' ').next());
    Some(match from {
        Some(stage) => (format!("`{stage}` has no {path}"), String::new()),
        None => (
            format!("the build context has no {path}"),
            "check the name, and that .dockerignore does not leave it out".to_owned(),
        ),
    })
}

fn other(plain: &str) -> Option<(String, String)> {
    if plain.ends_with("network.host is not allowed") {
        let message = "RUN --network=host wants the network of the engine's machine";
        return Some((message.to_owned(), "allow it to all steps: --network host".to_owned()));
    }
    let help = if plain.contains("no space left on device") {
        "free space on the engine's machine: docker builder prune, docker image prune"
    } else if plain.contains("exec format error") {
        NO_EMULATOR
    } else {
        return None;
    };
    Some((plain.to_owned(), help.to_owned()))
}

/// For a command that says `exec format error`.
pub(super) const NO_EMULATOR: &str = "what it runs is made for another platform: choose a base \
     image of this one, or register QEMU on the engine's machine";

/// BuildKit's message without the wrapping that says nothing to a person.
fn unwrapped(message: &str) -> &str {
    const WRAPPING: &[&str] = &[
        "failed to solve: ",
        "failed to solve with frontend dockerfile.v0: ",
        "failed to read dockerfile: ",
        "failed to create LLB definition: ",
        "error from sender: ",
        "failed to compute cache key: ",
        "failed to load cache key: ",
    ];
    let mut rest = message.trim();
    loop {
        let code = rest.strip_prefix("rpc error: code = ").and_then(|r| r.split_once(" desc = "));
        let inner = WRAPPING.iter().find_map(|wrapping| rest.strip_prefix(wrapping));
        match inner.or(code.map(|(_, inner)| inner)) {
            Some(inner) => rest = inner,
            None => break,
        }
    }
    // The place is shown beside it, and in the template's own count of lines.
    if let Some((line, inner)) =
        rest.strip_prefix("dockerfile parse error on line ").and_then(|r| r.split_once(": "))
        && line.bytes().all(|c| c.is_ascii_digit())
    {
        rest = inner;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_that_says_nothing_is_left_out() {
        for (given, wanted) in [
            ("failed to solve: a: b", "a: b"),
            (
                "dockerfile parse error on line 3: unknown instruction: FORM",
                "unknown instruction: FORM",
            ),
            ("dockerfile parse error on line x: y", "dockerfile parse error on line x: y"),
            ("rpc error: code = Aborted desc = c/p: it is a pipe", "c/p: it is a pipe"),
            (
                "failed to solve: failed to read dockerfile: open Dockerfile: no such file",
                "open Dockerfile: no such file",
            ),
            ("plain", "plain"),
        ] {
            assert_eq!(unwrapped(given), wanted);
        }
    }

    #[test]
    fn the_last_cause_and_its_host_are_told() {
        for (message, had_login, wanted) in [
            (
                "nope:1: failed to resolve source metadata for docker.io/library/nope:1: docker.io/library/nope:1: not found",
                false,
                "docker.io has no image nope:1",
            ),
            (
                "failed to push 127.0.0.1:1/a:b: failed to do request: Head \"https://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                false,
                "not pushed: 127.0.0.1:1 refused the connection",
            ),
            (
                "failed to push 127.0.0.1:1/a:b: unexpected status: 401 Unauthorized",
                true,
                "not pushed: 127.0.0.1:1 did not accept the login at hand",
            ),
            (
                "failed to push me/a:b: push access denied, repository does not exist or may require authorization",
                false,
                "not pushed: docker.io wants a login, and none is at hand",
            ),
            (
                "a: failed to resolve source metadata for docker.io/library/a:1: 429 Too Many Requests - toomanyrequests: not found",
                false,
                "docker.io answers no more for now: too many requests",
            ),
        ] {
            let given = words(message, had_login, None);
            assert_eq!(given.message, wanted);
            assert!(given.help.is_some() && given.verbatim.is_some(), "{given:?}");
        }
        assert_eq!(words("odd", false, None), Words { message: "odd".into(), ..Words::default() });
    }

    #[test]
    fn a_source_that_is_missing_is_looked_for_where_the_instruction_does() {
        let message = "failed to compute cache key: failed to calculate checksum of ref a::b: \"/x y\": not found";
        let given = |instruction| words(message, false, Some(instruction)).message;
        assert_eq!(given("COPY x /"), "the build context has no x y");
        assert_eq!(given("COPY --from=tools x /"), "`tools` has no x y");
    }

    #[test]
    fn the_host_that_wants_a_login_is_named() {
        let message = "failed to push 127.0.0.1:1/a:b: unexpected status: 401 Unauthorized";
        assert_eq!(login_host(message).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(login_host("failed to push 127.0.0.1:1/a:b: connection refused"), None);
    }
}
