//! The candidates that come from the matrix.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::Arg;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::cli::axes::axis_id;
use crate::matrix::{Axis, Cell, Matrix, Overrides, Selection};

/// A longer list is not useful.
const MOST_CANDIDATES: usize = 500;

/// Cells of a larger matrix are not offered: to create them would take too long for a TAB.
const MOST_CELLS: u128 = 20_000;

/// Platforms that base images usually have.
const PLATFORMS: &[&str] = &[
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/386",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
];

/// What is known of the matrix.
pub(crate) struct Known {
    /// Known even if the rest of the matrix has errors.
    pub axes: Vec<Axis>,
    pub matrix: Option<Arc<Matrix>>,
}

/// Adds the values of the matrix to the flags and arguments of each subcommand.
pub(super) fn with_candidates(mut command: clap::Command, known: Known) -> clap::Command {
    let Known { axes, matrix } = known;
    let axes: Arc<[Axis]> = axes.into();
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |mut sub| {
            let ids: Vec<String> =
                sub.get_arguments().map(|arg| arg.get_id().to_string()).collect();
            for id in ids {
                sub = sub.mut_arg(&id, |arg| completed(arg, &id, &axes, matrix.as_ref()));
            }
            sub
        });
    }
    command
}

/// `arg` with its completer, if it has one.
fn completed(arg: Arg, id: &str, axes: &Arc<[Axis]>, matrix: Option<&Arc<Matrix>>) -> Arg {
    let (axes, matrix) = (axes.clone(), matrix.cloned());
    match id {
        "only" | "skip" | "add" => with(arg, move |typed| picks(&axes, typed)),
        "group_by" => with(arg, move |_| axes.iter().map(|axis| axis.name.to_string()).collect()),
        "platform" => with(arg, move |typed| listed(typed, &platforms(matrix.as_deref()))),
        "var" => with(arg, move |_| {
            matrix.iter().flat_map(|matrix| matrix.vars()).map(|var| format!("{var}=")).collect()
        }),
        "cell" | "cells" => with(arg, move |_| cell_names(matrix.as_deref())),
        _ => {
            let axis = axes.iter().find(|axis| axis_id(&axis.name) == id);
            let Some(values) = axis.map(|axis| words(axis).map(str::to_owned).collect::<Vec<_>>())
            else {
                return arg;
            };
            with(arg, move |typed| listed(typed, &values))
        }
    }
}

/// `arg` with the candidates that `list` returns for the typed text. Those that do not begin with it
/// are dropped.
fn with(arg: Arg, list: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) -> Arg {
    arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let fitting = list(typed).into_iter().filter(|text| text.starts_with(typed));
        fitting.take(MOST_CANDIDATES).map(CompletionCandidate::new).collect()
    }))
}

/// `os=`, then `os=ubuntu`, then `os=ubuntu,alpine`.
fn picks(axes: &[Axis], typed: &str) -> Vec<String> {
    let Some((name, list)) = typed.split_once('=') else {
        return axes.iter().map(|axis| format!("{}=", axis.name)).collect();
    };
    let axis = axes.iter().find(|axis| *axis.name == *name);
    let values: Vec<String> = axis.into_iter().flat_map(words).map(str::to_owned).collect();
    listed(list, &values).into_iter().map(|list| format!("{name}={list}")).collect()
}

/// `list` up to its last comma, with each of `values` that it does not have yet.
fn listed(list: &str, values: &[String]) -> Vec<String> {
    let before = list.rfind(',').map_or("", |comma| &list[..=comma]);
    let is_new = |value: &&String| !before.split(',').any(|known| known == *value);
    values.iter().filter(is_new).map(|value| format!("{before}{value}")).collect()
}

/// Those of the matrix, also as the display shows them, then others.
fn platforms(matrix: Option<&Matrix>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let cells = cells(matrix);
    let own = || cells.iter().flat_map(|cell| &*cell.platforms);
    let short = own().map(|platform| platform.short());
    let others = ["native"].iter().chain(PLATFORMS).map(|name| (*name).to_owned());
    for platform in own().map(ToString::to_string).chain(short).chain(others) {
        if !all.contains(&platform) {
            all.push(platform);
        }
    }
    all
}

fn cell_names(matrix: Option<&Matrix>) -> Vec<String> {
    let names = cells(matrix).into_iter().map(|cell| cell.name.to_string());
    names.filter(|name| is_plain(name)).collect()
}

/// All cells; none if the matrix has errors or is very large.
fn cells(matrix: Option<&Matrix>) -> Vec<Cell> {
    let all = || {
        let overrides = Overrides::default();
        let selected = matrix?.select(&Selection::default(), &overrides).ok()?;
        if selected.product() > MOST_CELLS {
            return None;
        }
        Some(selected.expand().ok()?.cells)
    };
    all().unwrap_or_default()
}

/// The values of an axis that are safe in any shell.
fn words(axis: &Axis) -> impl Iterator<Item = &str> {
    axis.values.iter().map(|value| &*value.text).filter(|text| is_plain(text))
}

/// Whether no shell expands `text`. An untrusted matrix may contain `$(…)`, and some shells run that when
/// the command line is entered.
fn is_plain(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-/".contains(&byte);
    !text.is_empty() && text.bytes().all(is_safe)
}
