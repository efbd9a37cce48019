//! Why cells failed.

use super::markdown::{TEXT, block, code, named, span};
use crate::failure::Phase;
use crate::report::{Failed, facts, last_lines, what};
use crate::text::{clean, counted};

/// Number of cells that a failure names.
const NAMES: usize = 12;

/// A part for each cause.
pub(super) fn failures(causes: &[Vec<Failed>], log_lines: usize) -> Vec<String> {
    causes.iter().map(|cells| failure(cells, log_lines)).collect()
}

fn failure(cells: &[Failed], log_lines: usize) -> String {
    let (outcome, failure) = cells[0];
    let who = match cells.len() {
        1 => code(&outcome.cell),
        count => counted(count, "cell"),
    };
    let how = match failure.phase {
        Phase::SmokeTest => "failed in its smoke test",
        Phase::Pull | Phase::Build | Phase::Push | Phase::Verify => "failed",
    };
    let mut text = format!("### ❌ {who} {how}: {}\n\n", span(&what(failure)));
    if let Some(place) = &failure.place {
        let file = clean(&place.file, TEXT);
        text += &format!("{}\n\n", span(&format!("{file}:{}", place.line)));
        text += &block(&[clean(&place.text, TEXT)]);
    }
    if cells.len() > 1 {
        text += &format!("- cells: {}\n", names(cells));
    } else if let Some(platform) = &failure.platform {
        text += &format!("- platform: {}\n", span(&platform.to_string()));
    }
    if let Some(stage) = &failure.stage {
        text += &format!("- stage: {}\n", code(stage));
    }
    for (name, fact) in facts(failure) {
        // Attempts have a line each. An empty fact says nothing.
        for line in fact.lines() {
            text += &format!("- {name}: {}\n", code(line));
        }
    }
    if let Some(help) = &failure.help {
        text += &format!("- help: {}\n", code(help));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    let log = last_lines(failure, log_lines);
    if !log.is_empty() {
        text += &format!("Last lines of the log of {}:\n\n{}", code(&outcome.cell), block(&log));
    }
    text
}

/// The cells, each with its platform if these differ.
fn names(cells: &[Failed]) -> String {
    let first = &cells[0].1.platform;
    let differ = cells.iter().any(|(_, failure)| failure.platform != *first);
    let name = |(outcome, failure): &Failed| match &failure.platform {
        Some(platform) if differ => format!("{} on {}", code(&outcome.cell), platform.short()),
        _ => code(&outcome.cell),
    };
    let names = named(cells.iter().map(name), NAMES);
    match first {
        Some(platform) if !differ => format!("{names}, on {}", platform.short()),
        _ => names,
    }
}
