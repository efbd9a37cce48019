//! The values of axes from external sources: files, URLs, or the cache of the last run.

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

/// One module joins the pages, the other splits them.
const _: () = assert!(axis_source::PAGE == matrix::PAGE);

/// One line for each axis from an external source, with its values.
pub(crate) fn summary(matrix: &Matrix) -> String {
    let line = |outside: &AxisSource| {
        let axis = matrix.axis(&outside.axis)?;
        let values: Vec<&str> = axis.values.iter().map(|value| &*value.text).collect();
        Some(format!("{}: {}, read from {}\n", outside.axis, values.join(", "), outside.from))
    };
    matrix.axis_sources().iter().filter_map(line).collect()
}

/// Resolves all sources, once per run. Files are relative to `folder`, and read only if `access` allows
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
        Some(missing_file(grant, Some(outside.span.clone()), message))
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
            .map_err(|error| failed(why(&error), "the path is relative to matrix.yaml"));
    }
    if offline {
        let kept = store().and_then(|store| store.get(&outside.from));
        return kept.ok_or_else(|| {
            failed("it is not in the cache".to_owned(), "run once without --offline")
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
                "set GITHUB_TOKEN, or use the values of the last run with --offline"
            }
            (true, None) => {
                "if the server requires a token, add `token: { env: NAME }` next to `from`; to use the \
                 values of the last run, add --offline"
            }
            (true, Some(_)) => "check the token, or use the values of the last run with --offline",
            (false, _) => "check the network, or use the values of the last run with --offline",
        };
        failed(error.to_string(), help)
    })
}

/// The token that `outside` names; by default GITHUB_TOKEN for GitHub's API.
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
            let finding = Diagnostic::error(message).at(span, "this variable is not set");
            let finding = finding.help(format!("set {name}, or remove `token`"));
            Err(Error::found(ErrorKind::Environment, finding.into()))
        }
    }
}

/// Stores a valid response for --offline. A failure to store it matters only to a later run, which reports
/// it.
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
