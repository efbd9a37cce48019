//! Steps and smoke tests on a system that an engine cannot run: Windows, macOS and others. BuildKit in a
//! Docker Engine runs Linux programs; QEMU emulates processors, not systems.

use indexmap::IndexMap;

use super::groups::Group;
use super::subject::{Subject, some_of};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::Platform;

const RULE: &str = "foreign-system";

/// Warns about each step and test that runs on another system than Linux.
pub(super) fn find(subject: Subject<'_>, groups: &[Group<'_>], found: &mut Diagnostics) {
    // The engine runs Linux, on whichever processor.
    let Ok(engine) = "linux/amd64".parse::<Platform>() else { return };
    let mut steps: IndexMap<(Option<Span>, String), Vec<&str>> = IndexMap::new();
    for group in groups {
        let request = group.first();
        let is_runnable = |one: &Platform| one.is_linux() || one.is_native();
        if request.recipe.platforms.iter().all(is_runnable) {
            continue;
        }
        for one in request.runs_on(&engine) {
            if is_runnable(&one.platform) {
                continue;
            }
            let place = match one.line {
                Some(line) => subject.sources.line(&request.recipe.dockerfile, line),
                None => request.policy.smoke.as_ref().map(|test| test.span.clone()),
            };
            let cells = steps.entry((place, one.platform.to_string())).or_default();
            cells.extend(group.requests.iter().map(|request| &*request.cell));
        }
    }
    for ((place, platform), cells) in steps {
        let message =
            format!("this would run on {platform}, but the engine runs Linux programs only");
        let mut warning = Diagnostic::warning(message)
            .rule(RULE)
            .note("QEMU emulates other processors, but not other systems")
            .help(format!(
                "remove {platform}, or only copy files into this image: run the step in a stage with \
                 `FROM --platform=$BUILDPLATFORM`, and without `test`"
            ));
        if let Some(place) = &place {
            warning = warning.at(place, "");
        }
        if cells.len() < subject.requests.len() {
            warning = warning.note(format!("affected cells: {}", some_of(cells)));
        }
        found.push(warning);
    }
}
