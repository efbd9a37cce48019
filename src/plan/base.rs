//! The base image that a rendered Dockerfile ends on.

use super::request::BuildRequest;
use crate::image::Reference;
use crate::matrix::BaseName;

const NAME: &str = "org.opencontainers.image.base.name";

/// Labels a request with the name of its base, unless the file says another; nothing where the
/// name is made of build arguments, or the image is made from scratch.
pub(super) fn name(wanted: BaseName, request: &mut BuildRequest) {
    if !wanted.labels && !wanted.annotations {
        return;
    }
    let Some(base) = of(&request.dockerfile.text, request.target.as_deref()) else { return };
    let base = match request.bases.get(base) {
        Some(other) => other.to_string(),
        None => match base.parse::<Reference>() {
            Ok(reference) => reference.to_string(),
            Err(_) => return,
        },
    };
    if wanted.labels {
        request.labels.entry(NAME.to_owned()).or_insert_with(|| base.clone());
    }
    if wanted.annotations {
        request.annotations.entry(NAME.to_owned()).or_insert(base);
    }
}

/// The image that stage `target`, or else the last one, is built on.
fn of<'t>(dockerfile: &'t str, target: Option<&str>) -> Option<&'t str> {
    let stages: Vec<(&str, Option<&str>)> = dockerfile.lines().filter_map(stage).collect();
    let is = |stage: &(&str, Option<&str>), name: &str| {
        stage.1.is_some_and(|known| known.eq_ignore_ascii_case(name))
    };
    let mut at = match target {
        Some(target) => stages.iter().position(|stage| is(stage, target))?,
        None => stages.len().checked_sub(1)?,
    };
    loop {
        let base = stages[at].0;
        match stages[..at].iter().rposition(|stage| is(stage, base)) {
            Some(earlier) => at = earlier,
            None => return Some(base).filter(|base| !base.contains('$') && *base != "scratch"),
        }
    }
}

/// `FROM [--platform=…] IMAGE [AS NAME]`
fn stage(line: &str) -> Option<(&str, Option<&str>)> {
    let mut words = line.split_whitespace();
    words.next().filter(|word| word.eq_ignore_ascii_case("from"))?;
    let image = words.find(|word| !word.starts_with("--"))?;
    let name = words.next().filter(|word| word.eq_ignore_ascii_case("as"));
    Some((image, name.and_then(|_| words.next())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_that_of_the_last_stage_or_of_the_target() {
        for (dockerfile, target, wanted) in [
            ("FROM alpine:3.20\nRUN x\n", None, Some("alpine:3.20")),
            ("from --platform=$BUILDPLATFORM golang AS b\nFROM ubuntu\n", None, Some("ubuntu")),
            ("FROM golang AS b\nFROM ubuntu\n", Some("B"), Some("golang")),
            ("FROM alpine AS a\nFROM a AS c\nFROM C\n", None, Some("alpine")),
            ("FROM alpine AS alpine\nFROM alpine\n", None, Some("alpine")),
            ("ARG B\nFROM $B\n", None, None),
            ("FROM scratch\n", None, None),
            ("FROM a\n", Some("missing"), None),
            ("", None, None),
            ("FROM\n", None, None),
        ] {
            assert_eq!(of(dockerfile, target), wanted, "{dockerfile}");
        }
    }
}
