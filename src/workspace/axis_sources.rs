//! The values of axes that come from elsewhere: read from files, fetched, or as the last run kept
//! them.

use super::access::Access;
use super::needs::{Need, missing_file, refused};
use super::text;
use crate::axis_source::{self, GITHUB_TOKEN, Store, fetch, is_github_api};
use crate::docker::Secret;
use crate::driver::cache_directory;
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, visible, why};
use crate::input::Root;
use crate::matrix::{self, AxisSource, Matrix, ResolvedAxes, TokenVariable};
use crate::run::{self, engine, terminal};

/// Pages are put together by one room and taken apart by another.
const _: () = assert!(axis_source::PAGE == matrix::PAGE);

/// One line for each axis that comes from elsewhere: what it came to.
pub(crate) fn told(matrix: &Matrix) -> String {
    let line = |outside: &AxisSource| {
        let axis = matrix.axis(&outside.axis)?;
        let values: Vec<&str> = axis.values.iter().map(|value| &*value.text).collect();
        Some(format!("{}: {}, read from {}\n", outside.axis, values.join(", "), outside.from))
    };
    matrix.axis_sources().iter().filter_map(line).collect()
}

/// Looks all of them up, once a run. Files are counted from `folder`, and read where `access` allows
/// it.
pub(crate) fn resolved(
    outside: &[AxisSource],
    folder: &Root,
    access: &Access,
    offline: bool,
) -> Result<ResolvedAxes, Error> {
    let files = outside.iter().filter(|outside| !is_url(outside));
    let missing = files.filter_map(|outside| {
        let grant = access.lacks_text(&folder.join(&outside.from))?;
        let message =
            format!("the values of `{}` are in a file outside the repository", outside.axis);
        Some(missing_file(grant, &outside.span, message))
    });
    refused(&missing.collect::<Vec<Need>>())?;
    let mut resolved = ResolvedAxes::new();
    let mut errors = Diagnostics::default();
    for outside in outside {
        let text = content(outside, folder, offline)?;
        match outside.values(&text) {
            Ok(values) => {
                keep(outside, &text, offline);
                resolved.insert(outside.axis.clone(), values);
            }
            Err(found) => errors.extend(found),
        }
    }
    match errors.is_empty() {
        true => Ok(resolved),
        false => Err(errors.into()),
    }
}

fn content(outside: &AxisSource, folder: &Root, offline: bool) -> Result<String, Error> {
    let failed = |why: String, help: &str| {
        let message = format!("the values of `{}` cannot be read", outside.axis);
        let finding = Diagnostic::error(message).at(&outside.span, why).help(help);
        Error::found(ErrorKind::Environment, finding.into())
    };
    if !is_url(outside) {
        let read = text::text(&folder.join(&outside.from));
        return read
            .map(|file| file.text().to_owned())
            .map_err(|error| failed(why(&error), "it is counted from matrix.yaml"));
    }
    if offline {
        let kept = store().and_then(|store| store.get(&outside.from));
        return kept.ok_or_else(|| {
            failed("no run has kept it yet".to_owned(), "run once without --offline")
        });
    }
    let runtime = run::runtime()?;
    let token = token(outside)?;
    let waiting = |what: &str| terminal::stderr(&format!("note: {}\n", visible(what)));
    let fetched =
        runtime.block_on(fetch(&outside.from, token.as_ref(), engine::proxies(), &waiting));
    fetched.map_err(|error| {
        let help = match (error.wants_token(), &token) {
            (true, None) if is_github_api(&outside.from) => {
                "set GITHUB_TOKEN; without a network, --offline takes what the last run kept"
            }
            (true, None) => {
                "a server that wants a token is given one by `token: { env: NAME }` beside `from`; \
                 --offline takes what the last run kept"
            }
            (true, Some(_)) => "check the token; --offline takes what the last run kept",
            (false, _) => "without a network, --offline takes what the last run kept",
        };
        failed(error.to_string(), help)
    })
}

/// The token that `outside` names; for GitHub's API the one that its workflows have, if there is one.
fn token(outside: &AxisSource) -> Result<Option<Secret>, Error> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(TokenVariable { name, span }) = &outside.token else {
        let found = Some(GITHUB_TOKEN).filter(|_| is_github_api(&outside.from));
        return Ok(found.and_then(value).map(Secret::new));
    };
    match value(name) {
        Some(value) => Ok(Some(Secret::new(value))),
        None => {
            let message = format!("there is no token for the values of `{}`", outside.axis);
            let finding =
                Diagnostic::error(message).at(span, "the environment has no such variable");
            let finding = finding.help(format!("set {name}, or leave `token` out"));
            Err(Error::found(ErrorKind::Environment, finding.into()))
        }
    }
}

/// Keeps what was good for something. That it cannot be kept matters only to a later run, which
/// says so.
fn keep(outside: &AxisSource, text: &str, offline: bool) {
    if let (Some(store), true, false) = (store(), is_url(outside), offline) {
        let _ = store.keep(&outside.from, text);
    }
}

fn is_url(outside: &AxisSource) -> bool {
    outside.from.contains("://")
}

fn store() -> Option<Store> {
    cache_directory(|name| std::env::var_os(name)).map(|cache| Store::inside(&cache))
}
