//! Values that hide BuildKit's value for each platform: `ARG TARGETARCH=amd64`.
//!
//! BuildKit sets `TARGETARCH` and similar arguments for each platform of a build. A default in the
//! Dockerfile (also before the first `FROM`), a build argument or an `ENV` of that name replaces
//! them for all platforms.

use indexmap::IndexMap;

use super::groups::Group;
use super::read::{File, Files};
use super::subject::Subject;
use crate::dockerfile::{Declaration, PLATFORM_ARGS, Variable, VariableScope};
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::image::Platform;
use crate::matrix::DeclaredKind;

const RULE: &str = "platform-arg-default";

pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    arguments(subject, found);
    // By place and name, so that many cells get one warning.
    let mut open: IndexMap<(Span, String), (String, &[Platform])> = IndexMap::new();
    for group in groups {
        let request = group.first();
        let text = group.text();
        if !PLATFORM_ARGS.iter().any(|name| has_value(&text, name)) {
            continue;
        }
        let file = files.of(&request.recipe);
        if file.is_foreign_to(&request.recipe) {
            continue;
        }
        let declarations = file.parsed.declarations();
        for (number, one) in declarations.iter().enumerate() {
            let Some(default) = &one.value else { continue };
            let is_trigger = matches!(one.scope, VariableScope::Trigger(_));
            // `ENV TARGETARCH=$TARGETARCH` keeps the value for the container.
            if is_trigger
                || (one.is_env && default.contains('$'))
                || !PLATFORM_ARGS.contains(&&*one.name)
            {
                continue;
            }
            let value = |platform: &Platform| {
                expanded(&file, default, &declarations[..number], one.scope, platform)
            };
            if hides(&one.name, &request.recipe.platforms, &value)
                && let Some(place) = subject.sources.line(&request.recipe.dockerfile, one.line)
            {
                let keyword = if one.is_env { "ENV" } else { "ARG" };
                let written = format!("{keyword} {}={default}", one.name);
                let key = (place, one.name.clone());
                open.entry(key).or_insert((written, &request.recipe.platforms));
            }
        }
    }
    for ((place, name), (written, platforms)) in open {
        let help = match written.starts_with("ENV") {
            true => format!("use another name, or keep BuildKit's value: `ENV {name}=${name}`"),
            false => format!("remove the default: `ARG {name}`"),
        };
        found.push(warning(&written, platforms).at(&place, "").help(help));
    }
}

/// Whether a file may set an argument: most can be skipped.
fn has_value(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| text[at + name.len()..].starts_with(['=', ' ', '\t']))
}

/// Arguments of the matrix and of flags.
fn arguments(subject: Subject<'_>, found: &mut Diagnostics) {
    let declared = |name: &str| {
        let mut all = subject.matrix.declared();
        all.find(|one| one.kind == DeclaredKind::Arg && one.name == name)
    };
    for name in PLATFORM_ARGS {
        let hidden = subject.requests.iter().find(|request| {
            let value = request.recipe.inputs.args.get(name);
            value.is_some_and(|value| {
                hides(name, &request.recipe.platforms, &|_| Some(value.to_string()))
            })
        });
        let Some(request) = hidden else { continue };
        let is_flag = subject.cells[0].overrides().inputs.args.contains_key(name);
        let warning = match declared(name) {
            Some(one) if !is_flag => {
                warning(&format!("args.{name}"), &request.recipe.platforms).at(&one.span, "")
            }
            _ => warning(&format!("--build-arg {name}"), &request.recipe.platforms),
        };
        found.push(warning.help("remove it"));
    }
}

fn warning(what: &str, platforms: &[Platform]) -> Diagnostic {
    let message = format!("`{what}` hides the value that BuildKit sets for each platform");
    let names: Vec<String> = platforms.iter().map(Platform::to_string).collect();
    let platforms = match names.as_slice() {
        [one] => format!("the platform is {one}"),
        many => format!("it has the same value for {}", many.join(", ")),
    };
    Diagnostic::warning(message).rule(RULE).note(platforms)
}

/// Whether a value differs from BuildKit's. With several platforms, a value that does not depend on
/// the platform is an intended replacement.
fn hides(name: &str, platforms: &[Platform], value: &dyn Fn(&Platform) -> Option<String>) -> bool {
    let given: Option<Vec<String>> = platforms.iter().map(value).collect();
    // It depends on values that only BuildKit knows.
    let Some(given) = given else { return false };
    let is_own =
        |(given, platform): (&String, &Platform)| part(platform, name).as_ref() == Some(given);
    let differs = !given.iter().zip(platforms).all(is_own);
    match (platforms.len(), name.starts_with("TARGET")) {
        (1, true) => name != "TARGETSTAGE" && differs,
        // The platform of the engine is not known here.
        (1, false) => false,
        _ => differs || (given.iter().all(|one| *one == given[0]) && name == "TARGETOS"),
    }
}

/// A default for one platform, as far as it is known.
fn expanded(
    file: &File,
    default: &str,
    before: &[Declaration],
    scope: VariableScope,
    platform: &Platform,
) -> Option<String> {
    let declared: Vec<&str> =
        before.iter().filter(|one| one.scope == scope).map(|one| one.name.as_str()).collect();
    let values: Vec<(&str, Option<String>)> =
        PLATFORM_ARGS.into_iter().map(|name| (name, part(platform, name))).collect();
    let get = |name: &str| {
        let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
            return Variable::Unknown;
        };
        match value {
            // In a stage they require an `ARG` of that stage.
            _ if scope != VariableScope::Global && !declared.contains(&name) => Variable::Unset,
            Some(value) => Variable::Set(value),
            None => Variable::Unknown,
        }
    };
    file.parsed.lex().expand(default, &get).ok()
}

/// BuildKit's value for a platform; `None` if only the engine knows it.
fn part(platform: &Platform, name: &str) -> Option<String> {
    if platform.is_native() {
        return None;
    }
    let text = platform.to_string();
    let mut parts = text.split('/').map(str::to_owned);
    let (os, architecture) = (parts.next()?, parts.next()?);
    match name {
        "TARGETPLATFORM" => Some(text.clone()),
        "TARGETOS" => Some(os),
        "TARGETARCH" => Some(architecture),
        "TARGETVARIANT" => Some(parts.next().unwrap_or_default()),
        "TARGETOSVERSION" => Some(String::new()),
        _ => None,
    }
}
