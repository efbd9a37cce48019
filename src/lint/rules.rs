//! Our own rules.

use std::collections::HashSet;

use super::{Finding, Findings};
use crate::dockerfile::{Dockerfile, InstructionKind};
use crate::error::{Diagnostic, Span};
use crate::input::names_secret;
use crate::plan::{Base, BuildRequest, OtherPlatform, bases, final_platform};
use crate::template::Rendered;

/// Finds places that the requests do not contain.
pub trait Places {
    /// The line of a template that a line of a rendered Dockerfile comes from.
    fn line(&self, rendered: &Rendered, line: u32) -> Option<Span>;
    /// The place in the matrix of a key of a cell: `args.TOKEN`, `tag`.
    fn key(&self, cell: &str, key: &str) -> Option<Span>;
}

impl Findings {
    /// Adds a note for each `<%` in a template that is not a placeholder.
    pub fn of_plain_signs(&mut self, places: &[Span]) {
        for place in places {
            let finding = Diagnostic::remark("this `<%` is plain text: no `%>` follows it")
                .rule("plain-sign")
                .at(place, "")
                .help(
                    "if it starts a placeholder, close it: `<%name%>`; if not, put the lines \
                     between `#% raw` and `#% endraw`",
                );
            self.add(Finding::new("plain-sign", finding), None);
        }
    }

    /// Applies our rules to the build requests. With `alone`, also the rules that BuildKit's lint
    /// has too.
    pub fn of_requests(&mut self, requests: &[BuildRequest], places: &mut dyn Places, alone: bool) {
        // Cells differ in little: equal parts of Dockerfiles are inspected once.
        let mut seen = HashSet::new();
        for request in requests {
            let file = request.recipe.instructions();
            for base in bases(&request.recipe, &file) {
                let place = places.line(&request.recipe.dockerfile, base.line);
                if let Some(finding) = unpinned(&base, place) {
                    self.add(finding, Some(&request.cell));
                }
            }
            for (kind, map) in [
                ("args", &request.recipe.inputs.args),
                ("labels", &request.recipe.inputs.labels),
                ("annotations", &request.recipe.inputs.annotations),
            ] {
                for name in map.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name)
                {
                    if names_secret(name) {
                        let place = places.key(&request.cell, &format!("{kind}.{name}"));
                        self.add(secret(kind, name, place), Some(&request.cell));
                    }
                }
            }
            let moving =
                request.delivery.references.iter().filter_map(|reference| reference.tag.as_ref());
            if moving.map(|tag| tag.as_str()).any(|tag| tag == "latest") {
                let place = places.key(&request.cell, "tag");
                self.add(latest_tag(place), Some(&request.cell));
            }
            // An engine checks this with its own platform.
            if alone && let Some(found) = final_platform(&request.recipe, &file, None) {
                let diagnostic = Diagnostic::error(found.message()).help(OtherPlatform::HELP);
                let place = places.line(&request.recipe.dockerfile, found.line);
                self.add(
                    Finding::new("final-stage-platform", placed(diagnostic, place)),
                    Some(&request.cell),
                );
            }
            if alone && seen.insert(&*request.recipe.dockerfile) {
                self.of_dockerfile(request, &file, places);
            }
        }
    }

    /// Rules that BuildKit's lint has too, for use without an engine.
    fn of_dockerfile(
        &mut self,
        request: &BuildRequest,
        file: &Dockerfile,
        places: &mut dyn Places,
    ) {
        for instruction in &file.instructions {
            let pairs = match &instruction.kind {
                InstructionKind::Arg(args) => args
                    .iter()
                    .filter_map(|(name, value)| Some((name, value.as_ref()?)))
                    .collect::<Vec<_>>(),
                InstructionKind::Env(pairs) => {
                    pairs.iter().map(|(name, value)| (name, value)).collect()
                }
                _ => continue,
            };
            for (name, value) in pairs {
                let value = value.trim_matches(['"', '\'', ' ']);
                if names_secret(name) && !value.is_empty() {
                    let place = places.line(&request.recipe.dockerfile, instruction.first);
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
        format!("`{}` (which replaces `{}`)", shown, base.written)
    };
    // `familiar` adds the default tag, so the written name decides.
    let no_tag = image.tag.is_none();
    let latest = image.tag.as_ref().is_some_and(|tag| tag.as_str() == "latest");
    let (rule, diagnostic) = match (no_tag, latest) {
        (true, _) => (
            "base-without-tag",
            Diagnostic::warning(format!(
                "the base image {written} has no tag, which means `latest`"
            )),
        ),
        (_, true) => (
            "base-latest",
            Diagnostic::warning(format!("the base image {written} uses the moving tag `latest`")),
        ),
        _ => (
            "unpinned-base",
            Diagnostic::remark(format!("the base image {written} has no digest: its tag can move")),
        ),
    };
    let help = "write a version and the digest of its index, which covers every platform: \
                `alpine:3.20@sha256:…`";
    let diagnostic = diagnostic.help(help);
    Some(Finding::new(rule, placed(diagnostic, place)))
}

fn secret(kind: &str, name: &str, place: Option<Span>) -> Finding {
    let diagnostic = Diagnostic::warning(format!("`{name}` in {kind} looks like a secret"))
        .note("it is stored in the image's history and configuration, where everyone can read it")
        .help("pass it as a secret: --secret, and RUN --mount=type=secret");
    Finding::new("secret-in-image", placed(diagnostic, place))
}

fn latest_tag(place: Option<Span>) -> Finding {
    let diagnostic =
        Diagnostic::remark("the tag `latest` moves: its users do not know which version they run")
            .help("add a tag with the version as well");
    Finding::new("latest-tag", placed(diagnostic, place))
}

fn placed(diagnostic: Diagnostic, place: Option<Span>) -> Diagnostic {
    match place {
        Some(span) => diagnostic.at(&span, ""),
        None => diagnostic,
    }
}
