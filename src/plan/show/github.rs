//! A plan as the strategy matrix of GitHub Actions.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::escaped;
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind};
use crate::matrix::{Axis, Cell, Matrix, known_axes};
use crate::text::counted;

/// The maximum number of jobs of a matrix in GitHub Actions.
///
/// Source: <https://docs.github.com/en/actions/reference/limits>
const MOST_JOBS: usize = 256;

/// A strategy matrix, and how its jobs group the cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strategy {
    /// `{"include":[…]}` in one line, for `fromJSON`.
    pub json: String,
    /// One sentence.
    pub grouping: String,
}

/// The jobs that build `cells`: one for each cell, or for each combination of values of the axes
/// in `group_by`. If that makes too many jobs, cells are grouped by fewer axes.
pub(crate) fn github(
    matrix: &Matrix,
    cells: &[Cell],
    group_by: &[String],
) -> Result<Strategy, Error> {
    let mut errors = Diagnostics::default();
    let by = group_by.iter().filter_map(|name| axis_number(matrix, name, &mut errors));
    let by: Vec<usize> = by.collect();
    errors.check(()).map_err(|wrong| Error::found(ErrorKind::Usage, wrong))?;
    plain_values(matrix, cells, &mut errors);
    errors.check(())?;
    let all: Vec<usize> = (0..matrix.axes().len()).collect();
    let wanted = if by.is_empty() { &all } else { &by };
    let by = fitting(cells, wanted);
    let mut jobs = groups(cells, &by);
    let whole = jobs.len();
    let each = whole.div_ceil(MOST_JOBS);
    if each > 1 {
        // A single axis with too many values: adjacent values share a job.
        jobs = jobs.chunks(each).map(<[_]>::concat).collect();
    }
    let include: Vec<Value> = jobs.iter().map(|cells| job(matrix, cells, &by)).collect();
    Ok(Strategy {
        json: escaped(&json!({ "include": include }).to_string()).into_owned() + "\n",
        grouping: sentence(matrix, cells.len(), jobs.len(), &by, wanted, each),
    })
}

fn axis_number(matrix: &Matrix, name: &str, errors: &mut Diagnostics) -> Option<usize> {
    let names = || matrix.axes().iter().map(|axis| &*axis.name);
    let found = names().position(|axis| axis == name);
    if found.is_none() {
        errors.push(
            Diagnostic::error(format!("--group-by: there is no axis `{name}`"))
                .help(known_axes(names()))
                .help_nearest(name, names()),
        );
    }
    found
}

/// A job splits its flags at spaces, and flags interpret commas, globs and comparisons. Values with such
/// characters cannot be passed on.
fn plain_values(matrix: &Matrix, cells: &[Cell], errors: &mut Diagnostics) {
    let plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-:/@=".contains(&b))
    };
    let mut reported = HashSet::new();
    for (axis, value) in cells.iter().flat_map(|cell| &cell.axes) {
        if plain(value) || !reported.insert((axis, value)) {
            continue;
        }
        let message = format!(
            "the value `{value}` of axis `{axis}` cannot be passed to a job as a single word"
        );
        let mut error = Diagnostic::error(message)
            .help("use letters, digits and ._+-:/@= in values, and properties for the rest");
        let known =
            matrix.axis(axis).and_then(|axis| axis.values.iter().find(|v| v.text == *value));
        if let Some(known) = known {
            error = error.at(&known.span, "");
        }
        errors.push(error);
    }
}

/// As many of the `wanted` axes as stay within the maximum number of jobs; at least one.
fn fitting(cells: &[Cell], wanted: &[usize]) -> Vec<usize> {
    if groups(cells, wanted).len() <= MOST_JOBS {
        return wanted.to_vec();
    }
    let sizes: Vec<usize> = wanted.iter().map(|axis| groups(cells, &[*axis]).len()).collect();
    // Select the axes that make the most jobs within the limit: cells in one job share a machine and
    // wait for each other.
    let mut best = (0, vec![0]);
    for subset in 1_u32..1 << wanted.len().min(16) {
        let chosen: Vec<usize> = (0..wanted.len()).filter(|at| subset >> at & 1 == 1).collect();
        let count = chosen.iter().fold(1_usize, |n, at| n.saturating_mul(sizes[*at]));
        if count <= MOST_JOBS && count > best.0 {
            best = (count, chosen);
        }
    }
    // Splitting an axis with too many values may still give more jobs than all the short axes
    // together.
    let pieces = |at: &usize| sizes[*at].div_ceil(sizes[*at].div_ceil(MOST_JOBS));
    let long = (0..wanted.len()).filter(|at| sizes[*at] > MOST_JOBS).max_by_key(pieces);
    if let Some(long) = long.filter(|at| pieces(at) > best.0) {
        best.1 = vec![long];
    }
    best.1.into_iter().map(|at| wanted[at]).collect()
}

/// Groups of cells with the same values on these axes, ordered by their first cell.
fn groups<'c>(cells: &'c [Cell], by: &[usize]) -> Vec<Vec<&'c Cell>> {
    let mut found: IndexMap<Vec<&str>, Vec<&Cell>> = IndexMap::new();
    for cell in cells {
        let key = by.iter().map(|axis| &*cell.axes[*axis].1).collect();
        found.entry(key).or_default().push(cell);
    }
    found.into_values().collect()
}

/// The JSON object of a job. `cell` is the name of its cell, if it has one cell only.
fn job(matrix: &Matrix, cells: &[&Cell], by: &[usize]) -> Value {
    let mut args: Vec<String> = Vec::new();
    let mut shared = serde_json::Map::new();
    for (number, axis) in matrix.axes().iter().enumerate() {
        let mut values: Vec<&str> = cells.iter().map(|cell| &*cell.axes[number].1).collect();
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(*value));
        args.extend(flags(axis, &values, by.contains(&number)));
        if let [one] = values.as_slice() {
            shared.insert(axis.name.to_string(), json!(one));
        }
    }
    let mut platforms: Vec<String> =
        cells.iter().flat_map(|cell| cell.platforms.iter()).map(ToString::to_string).collect();
    platforms.sort();
    platforms.dedup();
    let name = match cells {
        [only] => only.name.to_string(),
        [first, .., last] => name(first, last, by),
        [] => String::new(),
    };
    let mut job = json!({
        "name": name,
        "args": args.join(" "),
        "axes": shared,
        "cells": cells.len(),
        "platforms": platforms.join(","),
    });
    if let [only] = cells {
        job["cell"] = json!(&*only.name);
    }
    job
}

/// `ubuntu, 2.0.1`, or `2.0.1 to 2.0.4`.
fn name(first: &Cell, last: &Cell, by: &[usize]) -> String {
    let part = |axis: &usize| {
        let (from, to) = (&first.axes[*axis].1, &last.axes[*axis].1);
        if from == to { from.to_string() } else { format!("{from} to {to}") }
    };
    by.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The flags that select `values`; none if these are all values of the axis.
fn flags(axis: &Axis, values: &[&str], always: bool) -> Vec<String> {
    let known: HashSet<&str> = axis.values.iter().map(|value| &*value.text).collect();
    let (listed, added): (Vec<&str>, Vec<&str>) =
        values.iter().copied().partition(|value| known.contains(value));
    let mut flags = Vec::new();
    if !listed.is_empty() && (always || !added.is_empty() || listed.len() < known.len()) {
        flags.push(format!("--only {}={}", axis.name, listed.join(",")));
    }
    // Values added by this command line.
    if !added.is_empty() {
        flags.push(format!("--add {}={}", axis.name, added.join(",")));
    }
    flags
}

fn sentence(
    matrix: &Matrix,
    cells: usize,
    jobs: usize,
    by: &[usize],
    wanted: &[usize],
    each: usize,
) -> String {
    let names: Vec<&str> = by.iter().map(|axis| &*matrix.axes()[*axis].name).collect();
    let mut text = format!("{} in {}", counted(cells, "cell"), counted(jobs, "job"));
    if jobs < cells || by.len() < matrix.axes().len() {
        text += &format!(", grouped by {}", names.join(" and "));
    }
    if each > 1 {
        text += &format!(", {each} values to a job");
    }
    if by.len() < wanted.len() || each > 1 {
        text += &format!(" (GitHub allows at most {MOST_JOBS} jobs)");
    }
    text
}
