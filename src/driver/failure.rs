//! A failed solve in the terms of the person's Dockerfile.

use crate::buildkit::{Detail, SolveError};
use crate::outcome::{Failure, Place};
use crate::plan::BuildRequest;

use super::machine::unanswered;
use super::watch::{Seen, Vertex};

/// Says what failed, where, and what to do about it.
pub(super) fn failure(
    error: &SolveError,
    seen: &Seen,
    request: &BuildRequest,
    filename: &str,
) -> Failure {
    let named = error.details.iter().find_map(|detail| match detail {
        Detail::Vertex { digest } => seen.vertex(digest),
        _ => None,
    });
    let vertex = named.or_else(|| seen.failed());
    let exit_code = error.details.iter().find_map(|detail| match detail {
        Detail::Exit { code } => Some(*code),
        _ => None,
    });
    let place = error.details.iter().find_map(|detail| match detail {
        Detail::Source { filename: name, first, .. } if name == filename => place(request, *first),
        _ => None,
    });
    let message = match exit_code {
        Some(code) => format!("exit code {code}"),
        None => sentence(&error.message),
    };
    let instruction = |vertex: &Vertex| {
        let is_one = vertex.name.position.is_some() || exit_code.is_some();
        is_one.then(|| vertex.name.text.clone())
    };
    Failure {
        help: unanswered(&error.message, request)
            .or_else(|| help(&error.message, error.connection_lost)),
        message,
        platform: vertex.and_then(|v| v.name.platform.as_ref()?.parse().ok()).or_else(|| {
            let only_one = request.platforms.len() == 1;
            request.platforms.first().filter(|_| only_one).cloned()
        }),
        stage: vertex.and_then(|v| v.name.stage.clone()),
        place,
        instruction: vertex.and_then(instruction),
        exit_code,
        elapsed: vertex.and_then(Vertex::took),
        log_tail: vertex.map(|v| v.tail.iter().cloned().collect()).unwrap_or_default(),
    }
}

/// Where in the template line `line` of the rendered Dockerfile came from, with the line as it
/// was rendered: that is the text BuildKit complains of.
fn place(request: &BuildRequest, line: u32) -> Option<Place> {
    let origin = request.dockerfile.origin(line)?;
    let text = request.dockerfile.text.lines().nth(line as usize - 1)?;
    Some(Place { file: origin.file.to_string(), line: origin.line, text: text.to_owned() })
}

/// BuildKit's message without the wrapping that says nothing to a person.
fn sentence(message: &str) -> String {
    const WRAPPING: &[&str] = &[
        "failed to solve: ",
        "failed to solve with frontend dockerfile.v0: ",
        "failed to read dockerfile: ",
        "failed to create LLB definition: ",
        "rpc error: code = Unknown desc = ",
        "error from sender: ",
    ];
    let mut rest = message.trim();
    while let Some(inner) = WRAPPING.iter().find_map(|wrapping| rest.strip_prefix(wrapping)) {
        rest = inner;
    }
    // The place is shown beside it, and in the template's own count of lines.
    if let Some((line, inner)) =
        rest.strip_prefix("dockerfile parse error on line ").and_then(|r| r.split_once(": "))
        && line.bytes().all(|c| c.is_ascii_digit())
    {
        rest = inner;
    }
    rest.to_owned()
}

/// What a person can do about it.
fn help(message: &str, connection_lost: bool) -> Option<String> {
    let has = |needles: &[&str]| needles.iter().any(|needle| message.contains(needle));
    if connection_lost {
        return Some("the engine went away while it built: is it still running?".to_owned());
    }
    if let Some(image) = unresolved_image(message) {
        let why = if has(&["not found", "404"]) {
            "the registry has no such image: check the name in FROM"
        } else if has(&["401", "403", "denied", "authorization failed"]) {
            "log in to its registry with `docker login`, or check the name in FROM"
        } else {
            "check that its registry can be reached from the engine"
        };
        return Some(format!("{why}, or take it from elsewhere with --base {image}=OTHER"));
    }
    let pushing = has(&["failed to push", "push access denied"]);
    if pushing && has(&["401", "403", "denied", "authorization failed", "no basic auth"]) {
        return Some(
            "check the user name and password: `docker login HOST` stores them".to_owned(),
        );
    }
    if pushing && has(&["connection refused", "no such host", "i/o timeout", "no route to host"]) {
        return Some("check that the registry is up and can be reached from the engine".to_owned());
    }
    if has(&["exec format error"]) {
        return Some(
            "no emulator for this platform is registered on the engine's machine".to_owned(),
        );
    }
    if has(&["no match for platform in manifest"]) {
        return Some("the base image is not published for this platform".to_owned());
    }
    None
}

/// The image whose name could not be resolved.
fn unresolved_image(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("failed to resolve source metadata for ")?;
    rest.split_once(": ").map(|(image, _)| image)
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
            (
                "failed to solve: failed to read dockerfile: open Dockerfile: no such file",
                "open Dockerfile: no such file",
            ),
            ("plain", "plain"),
        ] {
            assert_eq!(sentence(given), wanted);
        }
    }

    #[test]
    fn the_help_fits_what_went_wrong() {
        for (message, wanted) in [
            (
                "failed to resolve source metadata for docker.io/library/nope:1: docker.io/library/nope:1: not found",
                "--base docker.io/library/nope:1=OTHER",
            ),
            ("failed to push 127.0.0.1:1/a:b: unexpected status: 401 Unauthorized", "docker login"),
            ("failed to push 127.0.0.1:1/a:b: connection refused", "registry is up"),
            ("exec format error", "emulator"),
        ] {
            let given = help(message, false).unwrap();
            assert!(given.contains(wanted), "{message}: {given}");
        }
        assert_eq!(help("something else", false), None);
    }
}
