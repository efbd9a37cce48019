//! Our own rules.

use std::collections::HashSet;

use super::secrets::names_secret;
use super::{Finding, Findings};
use crate::dockerfile::{Dockerfile, Kind};
use crate::error::{Diagnostic, Span};
use crate::plan::{Base, BuildRequest, OtherPlatform, bases, final_platform};
use crate::template::Rendered;

/// How places are found that the requests do not hold themselves.
pub trait Places {
    /// The line of a template that a line of a rendered Dockerfile came from.
    fn line(&self, rendered: &Rendered, line: u32) -> Option<Span>;
    /// Where the matrix says something of a cell: `args.TOKEN`, `tag`.
    fn key(&self, cell: &str, key: &str) -> Option<Span>;
}

impl Findings {
    /// Applies our rules to what would be built. With `alone`, also those that BuildKit's own lint
    /// has.
    pub fn of_requests(&mut self, requests: &[BuildRequest], places: &mut dyn Places, alone: bool) {
        // Cells differ in little: what was looked at in one Dockerfile is not looked at again.
        let mut seen = HashSet::new();
        for request in requests {
            let file = request.instructions();
            for base in bases(request, &file) {
                let place = places.line(&request.dockerfile, base.line);
                if let Some(finding) = unpinned(&base, place) {
                    self.add(finding, Some(&request.cell));
                }
            }
            for (kind, map) in [
                ("args", &request.inputs.args),
                ("labels", &request.inputs.labels),
                ("annotations", &request.inputs.annotations),
            ] {
                for name in map.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name)
                {
                    if names_secret(name) {
                        let place = places.key(&request.cell, &format!("{kind}.{name}"));
                        self.add(secret(kind, name, place), Some(&request.cell));
                    }
                }
            }
            let moving = request.references.iter().filter_map(|reference| reference.tag.as_ref());
            if moving.map(|tag| tag.as_str()).any(|tag| tag == "latest") {
                let place = places.key(&request.cell, "tag");
                self.add(latest_tag(place), Some(&request.cell));
            }
            // An engine says it with its own platform.
            if alone && let Some(found) = final_platform(request, &file, None) {
                let told = Diagnostic::error(found.message()).help(OtherPlatform::HELP);
                let place = places.line(&request.dockerfile, found.line);
                self.add(
                    Finding::new("final-stage-platform", placed(told, place)),
                    Some(&request.cell),
                );
            }
            if alone && seen.insert(&*request.dockerfile) {
                self.of_dockerfile(request, &file, places);
            }
        }
    }

    /// What BuildKit finds too, for when it is not asked.
    fn of_dockerfile(
        &mut self,
        request: &BuildRequest,
        file: &Dockerfile,
        places: &mut dyn Places,
    ) {
        for instruction in &file.instructions {
            let pairs = match &instruction.kind {
                Kind::Arg(args) => args
                    .iter()
                    .filter_map(|(name, value)| Some((name, value.as_ref()?)))
                    .collect::<Vec<_>>(),
                Kind::Env(pairs) => pairs.iter().map(|(name, value)| (name, value)).collect(),
                _ => continue,
            };
            for (name, value) in pairs {
                let value = value.trim_matches(['"', '\'', ' ']);
                if names_secret(name) && !value.is_empty() {
                    let place = places.line(&request.dockerfile, instruction.first);
                    let kind = instruction.keyword.as_str();
                    self.add(secret(kind, name, place), Some(&request.cell));
                }
            }
        }
    }
}

fn unpinned(base: &Base, place: Option<Span>) -> Option<Finding> {
    let image = &base.image;
    if image.digest.is_some() {
        return None;
    }
    let shown = image.familiar();
    let written = if base.written.parse().as_ref() == Ok(image) {
        format!("`{}`", base.written)
    } else {
        format!("`{}`, used in place of `{}`,", shown, base.written)
    };
    // `familiar` writes the tag that is understood out, so what was written decides.
    let no_tag = image.tag.is_none();
    let latest = image.tag.as_ref().is_some_and(|tag| tag.as_str() == "latest");
    let (rule, told) = match (no_tag, latest) {
        (true, _) => (
            "base-without-tag",
            Diagnostic::warning(format!("the base {written} has no tag, which means `latest`")),
        ),
        (_, true) => (
            "base-latest",
            Diagnostic::warning(format!("the base {written} is whatever is newest on the day")),
        ),
        _ => (
            "unpinned-base",
            Diagnostic::remark(format!("the base {written} has no digest: its tag may move")),
        ),
    };
    let help = "write a version and the digest of its index, which has every platform: \
                `alpine:3.20@sha256:…`";
    let told = told.help(help);
    Some(Finding::new(rule, placed(told, place)))
}

fn secret(kind: &str, name: &str, place: Option<Span>) -> Finding {
    let told = Diagnostic::warning(format!("`{name}` in {kind} looks like a secret"))
        .note("it stays in the image's history and configuration, where everyone can read it")
        .help("hand it over as a secret: --secret, and RUN --mount=type=secret");
    Finding::new("secret-in-image", placed(told, place))
}

fn latest_tag(place: Option<Span>) -> Finding {
    let told = Diagnostic::remark("the tag `latest` moves: who uses it cannot tell what they run")
        .help("keep a tag with the version beside it");
    Finding::new("latest-tag", placed(told, place))
}

fn placed(told: Diagnostic, place: Option<Span>) -> Diagnostic {
    match place {
        Some(span) => told.at(&span, ""),
        None => told,
    }
}
