//! Cache mounts that builds share by mistake, although they need different files.
//!
//! BuildKit identifies a cache mount only by its id, which defaults to the target: a step finds the
//! files of the previous step there, whatever its platform or image. `sharing=private` gives
//! concurrent steps a cache each, but the next build uses either of them.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/solver/llbsolver/mounts/mount.go>

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::groups::Group;
use super::read::{File, Files};
use super::safe_caches::{Cache, Shared, shared};
use super::subject::{Subject, some_of};
use super::system::system;
use crate::dockerfile::{Evaluated, Mounted, PLATFORM_ARGS, Source, Stage, VariableScope};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::{Platform, short_name};
use crate::plan::BuildRequest;

/// The steps that use one cache.
#[derive(Default)]
struct Users {
    /// The platforms of the stages that run on the target platform.
    platforms: BTreeSet<String>,
    systems: BTreeSet<String>,
    /// The places of the steps, and how the cache is mounted there.
    places: IndexMap<Span, (Shared, Option<&'static str>)>,
}

pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    let mut caches: IndexMap<(String, String), Users> = IndexMap::new();
    for group in groups {
        let request = group.first();
        if !group.may_mount("cache") {
            continue;
        }
        let file = files.of(&request.recipe);
        if file.is_foreign_to(&request.recipe) {
            continue;
        }
        for platform in &request.recipe.platforms {
            let evaluated = file.evaluated(&request.recipe, Some(platform));
            add(&mut caches, subject, request, (&file, &evaluated), platform);
        }
    }
    for ((_, id), users) in &caches {
        users.report(id, found);
    }
}

fn add(
    caches: &mut IndexMap<(String, String), Users>,
    subject: Subject<'_>,
    request: &BuildRequest,
    (file, evaluated): (&File, &Evaluated),
    platform: &Platform,
) {
    let dockerfile = request.recipe.dockerfile.text();
    let namespace =
        request.recipe.inputs.args.get("BUILDKIT_CACHE_MOUNT_NS").cloned().unwrap_or_default();
    for stage in evaluated.stages.iter().filter(|stage| stage.is_reachable) {
        for mount in stage.mounts.iter().filter(|mount| is_own_cache(mount)) {
            let known = |text: &Option<crate::dockerfile::Text>| {
                text.as_ref().and_then(|text| text.known()).map(str::to_owned)
            };
            let Some(id) = known(&mount.id) else { continue };
            let Some(place) = subject.sources.line(&request.recipe.dockerfile, mount.line) else {
                continue;
            };
            let target = known(&mount.target).unwrap_or_default();
            let is_locked =
                known(&mount.sharing).is_some_and(|how| how.eq_ignore_ascii_case("locked"));
            let users = caches.entry((namespace.to_string(), id)).or_default();
            let is_safe = shared(&Cache {
                target: target.trim_end_matches('/'),
                is_locked,
                step: step_at(file, mount.line),
                dockerfile: &dockerfile,
            });
            let worst = users.places.entry(place).or_insert((is_safe, undeclared(file, mount)));
            if worst.0 == Shared::Safely {
                worst.0 = is_safe;
            }
            let (root, runs_on_target) = foundation(&evaluated.stages, stage, platform);
            if runs_on_target {
                users.platforms.insert(platform.to_string());
            }
            if let Source::Named(base) = &root.base {
                users.systems.insert(system(&taken(request, base)));
            }
        }
    }
}

/// The command of the step that starts at a line.
fn step_at(file: &File, line: u32) -> &str {
    let step = file.parsed.instructions.iter().find(|one| one.first == line);
    step.map_or("", |step| &step.arguments)
}

/// A platform variable in the id of a mount for which the stage has no `ARG`.
fn undeclared(file: &File, mount: &Mounted) -> Option<&'static str> {
    let id = &mount.id.as_ref()?.written;
    if !id.contains('$') {
        return None;
    }
    let declarations = file.parsed.declarations();
    let is_declared = |name: &str| {
        let mut stages =
            declarations.iter().filter(|one| matches!(one.scope, VariableScope::Stage(_)));
        stages.any(|one| one.name == name)
    };
    let is_used = |name: &str| {
        let (plain, in_braces) = (format!("${name}"), format!("${{{name}"));
        let ends =
            |after: &str| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        [plain, in_braces].iter().any(|start| {
            id.match_indices(start.as_str()).any(|(at, _)| ends(&id[at + start.len()..]))
        })
    };
    PLATFORM_ARGS.into_iter().find(|name| is_used(name) && !is_declared(name))
}

/// Whether the cache starts empty. A cache that starts with an image's files is kept per image.
fn is_own_cache(mount: &Mounted) -> bool {
    mount.is("cache") && matches!(mount.from, None | Some(Source::Scratch))
}

/// The stage at the bottom of the chain of stages that a stage is based on, and whether it has the
/// target platform.
fn foundation<'s>(stages: &'s [Stage], stage: &'s Stage, platform: &Platform) -> (&'s Stage, bool) {
    let mut root = stage;
    while let Source::Stage(number) = root.base {
        root = &stages[number];
    }
    let of_target = match &root.platform {
        None => true,
        Some(text) => text.known().is_some_and(|known| known.parse().as_ref() == Ok(platform)),
    };
    (root, of_target)
}

/// The image that replaces a name.
fn taken(request: &BuildRequest, name: &str) -> String {
    let short = short_name(name);
    let base = request.recipe.inputs.bases.iter().find(|(known, _)| short_name(known) == short);
    base.map_or_else(|| name.to_owned(), |(_, image)| image.to_string())
}

impl Users {
    fn report(&self, id: &str, found: &mut Diagnostics) {
        let is_safe = self.places.values().all(|(how, _)| *how == Shared::Safely);
        let (sharers, are, apart) = if self.platforms.len() > 1 {
            (&self.platforms, "platforms", "$TARGETPLATFORM")
        } else if self.systems.len() > 1 {
            (&self.systems, "systems", "<%os%>")
        } else {
            return;
        };
        if is_safe {
            return;
        }
        let names = match sharers.len() {
            ..=4 => {
                let names: Vec<&str> = sharers.iter().map(String::as_str).collect();
                let (last, first) = names.split_last().expect("there are at least two");
                format!("{} and {last}", first.join(", "))
            }
            _ => some_of(sharers.iter().map(String::as_str)),
        };
        let message = format!("{names} share the cache mount `{id}`");
        for (place, (how, undeclared)) in &self.places {
            let warning = Diagnostic::warning(&message).rule("shared-cache-mount").at(place, "");
            let warning = warning.note(match how {
                Shared::Unlocked => "several steps may write to it at the same time".to_owned(),
                _ => format!("each of these {are} sees the files of the others"),
            });
            found.push(match (how, are, undeclared) {
                (Shared::Unlocked, ..) => warning.help("add `sharing=locked`"),
                (_, "platforms", Some(name)) => warning.help(format!(
                    "add `ARG {name}` above it in the stage: without it, `${name}` is empty"
                )),
                (_, "platforms", None) => warning.help(format!(
                    "add `id={id}-{apart}`, with `ARG TARGETPLATFORM` above it in the stage"
                )),
                _ => warning.help(format!(
                    "add an `id` that contains the system, such as `id={id}-{apart}`"
                )),
            });
        }
    }
}
