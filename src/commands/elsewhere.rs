//! The values of axes that come from elsewhere: read from files, fetched, or as the last run kept
//! them.

use super::{engine, load};
use crate::driver::cache_directory;
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, why};
use crate::matrix::{Matrix, Outside, Resolved};
use crate::plan::Root;
use crate::versions::{Store, fetch};

/// One line for each axis that comes from elsewhere: what it came to.
pub(super) fn told(matrix: &Matrix) -> String {
    let line = |outside: &Outside| {
        let axis = matrix.axis(&outside.axis)?;
        let values: Vec<&str> = axis.values.iter().map(|value| &*value.text).collect();
        Some(format!("{}: {}, read from {}\n", outside.axis, values.join(", "), outside.from))
    };
    matrix.outside().iter().filter_map(line).collect()
}

/// Looks all of them up, once a run. Files are counted from `folder`.
pub(super) fn resolved(
    outside: &[Outside],
    folder: &Root,
    offline: bool,
) -> Result<Resolved, Error> {
    let mut resolved = Resolved::new();
    let mut errors = Diagnostics::default();
    for outside in outside {
        let text = text(outside, folder, offline)?;
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

fn text(outside: &Outside, folder: &Root, offline: bool) -> Result<String, Error> {
    let failed = |why: String, help: &str| {
        let message = format!("the values of `{}` cannot be read", outside.axis);
        let finding = Diagnostic::error(message).at(&outside.span, why).help(help);
        Error::found(ErrorKind::Environment, finding.into())
    };
    if !is_url(outside) {
        let read = load::text(&folder.join(&outside.from));
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Bug, format!("no runtime: {}", why(&error))))?;
    runtime.block_on(fetch(&outside.from, engine::proxies())).map_err(|error| {
        let help = "without a network, --offline takes what the last run kept";
        failed(error.to_string(), help)
    })
}

/// Keeps what was good for something. That it cannot be kept matters only to a later run, which
/// says so.
fn keep(outside: &Outside, text: &str, offline: bool) {
    if let (Some(store), true, false) = (store(), is_url(outside), offline) {
        let _ = store.keep(&outside.from, text);
    }
}

fn is_url(outside: &Outside) -> bool {
    outside.from.contains("://")
}

fn store() -> Option<Store> {
    cache_directory(|name| std::env::var_os(name)).map(|cache| Store::inside(&cache))
}
