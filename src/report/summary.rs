//! The last lines: how many, how long, and which cells failed.

use std::time::Duration;

use crate::outcome::{CellResult, Failure, Outcome};
use crate::text::{Paint, clean, duration, pad, width};

/// `5 pushed, 1 failed, in 3m02s`, where images went, and each failed cell with one line why.
pub fn summary(outcomes: &[Outcome], elapsed: Duration, paint: Paint) -> String {
    let mut text = String::new();
    for repository in repositories(outcomes) {
        text += &format!("pushed to {repository}\n");
    }
    text += &format!("{}, in {}\n", counts(outcomes, paint), duration(elapsed));
    let failed: Vec<_> = outcomes.iter().filter_map(failure_of).collect();
    let column = failed.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    for (name, failure) in failed {
        let mark = paint.bad("✗");
        text += &format!("  {mark} {}  {}\n", pad(name, column), failed_line(failure));
    }
    text
}

/// Why a cell failed, in one line: `exit code 3 on arm64 (templates/centos/Dockerfile:14)`.
pub fn failed_line(failure: &Failure) -> String {
    let mut line = clean(&failure.message, 300);
    if let Some(platform) = &failure.platform {
        line += &format!(" on {}", platform.short());
    }
    if let Some(place) = &failure.place {
        line += &format!(" ({}:{})", clean(&place.file, 200), place.line);
    }
    line
}

fn failure_of(outcome: &Outcome) -> Option<(&str, &Failure)> {
    match &outcome.result {
        CellResult::Failed(failure) => Some((&outcome.cell, failure)),
        _ => None,
    }
}

fn counts(outcomes: &[Outcome], paint: Paint) -> String {
    let count = |is: fn(&CellResult) -> bool| outcomes.iter().filter(|o| is(&o.result)).count();
    let pushed = count(|r| matches!(r, CellResult::Built(built) if !built.pushed.is_empty()));
    let built = count(|r| matches!(r, CellResult::Built(_))) - pushed;
    let failed = count(|r| matches!(r, CellResult::Failed(_)));
    let cancelled = count(|r| matches!(r, CellResult::Cancelled));
    let not_started = count(|r| matches!(r, CellResult::NotStarted));
    let all = [
        (pushed, "pushed"),
        (built, "built"),
        (failed, "failed"),
        (cancelled, "cancelled"),
        (not_started, "not started"),
    ];
    let said = all.iter().filter(|(number, _)| *number > 0).map(|(number, word)| {
        let text = format!("{number} {word}");
        match *word {
            "pushed" | "built" => paint.good(&text),
            "failed" => paint.bad(&text),
            _ => text,
        }
    });
    let said: Vec<_> = said.collect();
    if said.is_empty() { "nothing to build".to_owned() } else { said.join(", ") }
}

/// The repositories that were pushed to, each once, in the order in which they appear.
fn repositories(outcomes: &[Outcome]) -> Vec<String> {
    let mut seen = Vec::new();
    for outcome in outcomes {
        let CellResult::Built(built) = &outcome.result else { continue };
        for reference in &built.pushed {
            let name = reference.repository.to_string();
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_cells_says_so() {
        let text = summary(&[], Duration::from_millis(4), Paint::default());
        assert_eq!(text, "nothing to build, in 4ms\n");
    }
}
