//! What went well in the end, and is worth to know.

use indexmap::IndexMap;

use super::markdown::{code, named};
use crate::outcome::{CellResult, Outcome};
use crate::record::Recorded;
use crate::report::reason;
use crate::reporters::warnings::{Warned, warnings};
use crate::text::counted;

/// Number of cells that a note names.
const NAMES: usize = 6;

/// Pushes that could not be verified, attempts that failed, and BuildKit's warnings: a line each, the first one of a
/// kind with its heading, and the last one with the end of the list.
pub(super) fn notes(run: &Recorded, outcomes: &[Outcome]) -> Vec<String> {
    let parts = [
        ("### Pushed, not verified\n\n", unverified(outcomes)),
        ("### Built again\n\n", retried(outcomes)),
        ("### Warnings\n\n", warnings(run).iter().map(warning).collect()),
    ];
    let part = |(heading, mut lines): (&str, Vec<String>)| {
        lines.first_mut().into_iter().for_each(|line| line.insert_str(0, heading));
        lines.last_mut().into_iter().for_each(|line| line.push('\n'));
        lines
    };
    parts.into_iter().flat_map(part).collect()
}

fn unverified(outcomes: &[Outcome]) -> Vec<String> {
    let reason = |outcome: &Outcome| match &outcome.result {
        CellResult::Built(built) => built.unverified.iter().cloned().collect(),
        _ => Vec::new(),
    };
    by_reason(outcomes, reason)
}

fn retried(outcomes: &[Outcome]) -> Vec<String> {
    let reasons = |outcome: &Outcome| match &outcome.result {
        CellResult::Built(built) => built.earlier.iter().map(|one| reason(&one.failure)).collect(),
        _ => Vec::new(),
    };
    by_reason(outcomes, reasons)
}

/// A line for each reason, with its cells.
fn by_reason(outcomes: &[Outcome], of: impl Fn(&Outcome) -> Vec<String>) -> Vec<String> {
    let mut reasons = IndexMap::<String, Vec<&str>>::new();
    for outcome in outcomes {
        for reason in of(outcome) {
            let cells = reasons.entry(reason).or_default();
            if cells.last() != Some(&&*outcome.cell) {
                cells.push(&outcome.cell);
            }
        }
    }
    reasons
        .iter()
        .map(|(reason, cells)| format!("- {}, {}\n", code(reason), of_cells(cells)))
        .collect()
}

fn warning(Warned { warning, cells }: &Warned) -> String {
    let place = warning.file.as_ref().map(|file| match warning.line {
        Some(line) => format!("{}: ", code(&format!("{file}:{line}"))),
        None => format!("{}: ", code(file)),
    });
    let url = warning.url.as_ref().map(|url| format!(" ({})", code(url)));
    let (place, url) = (place.unwrap_or_default(), url.unwrap_or_default());
    format!("- {place}{}{url}, {}\n", code(&warning.message), of_cells(cells))
}

/// 2 cells: `a`, `b`
fn of_cells(cells: &[&str]) -> String {
    let names = named(cells.iter().map(|cell| code(cell)), NAMES);
    format!("{}: {names}", counted(cells.len(), "cell"))
}
