//! The last lines: counts, time, and which cells failed.

use std::time::Duration;

use crate::failure::Phase;
use crate::image::Platform;
use crate::outcome::{Built, CellResult, Failure, Outcome, SmokeResult};
use crate::text::{Paint, clean, duration, pad, width};

/// Columns below which the last output of a failed step says too little.
const MIN_OUTPUT: usize = 12;

/// `5 pushed, 2 unchanged, 1 failed, in 3m02s`, the repositories, and each failed cell with its reason and the
/// last line of its output, in one line. That output is cut at the `limit` of a terminal.
pub(crate) fn summary(
    outcomes: &[Outcome],
    elapsed: Duration,
    limit: Option<usize>,
    paint: Paint,
) -> String {
    let mut text = String::new();
    for repository in repositories(outcomes) {
        text += &format!("pushed to {repository}\n");
    }
    if outcomes.iter().any(|o| matches!(&o.result, CellResult::Built(built) if built.unchanged)) {
        text += "unchanged: the registry already had the same image under all its tags\n";
    }
    text += &retried(outcomes);
    text += &tests(outcomes, paint);
    text += &format!("{}, in {}\n", counts(outcomes, paint), duration(elapsed));
    let failed: Vec<_> = outcomes.iter().filter_map(failure_of).collect();
    let column = failed.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    for (name, failure) in failed {
        let mark = paint.bad("✗");
        let reason = reason(failure);
        // The margin, the mark, and the spaces around the name.
        let used = 2 + 1 + 1 + column + 2 + width(&reason);
        let output = output_within(failure, room(limit, used), paint);
        text += &format!("  {mark} {}  {reason}{output}\n", pad(name, column));
    }
    text
}

/// Why a cell failed, and the last line of its output: `exit code 3 on arm64
/// (templates/centos/Dockerfile:14): no such package`.
pub(crate) fn failed_line(failure: &Failure) -> String {
    reason(failure) + &output_within(failure, None, Paint::default())
}

/// The last line of the failed step's output that is not blank.
pub(crate) fn last_output(failure: &Failure) -> Option<String> {
    let lines = failure.log_tail.iter().rev().map(|line| clean(line.trim(), 200));
    lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty())
}

/// The columns that are left in a line; if they are too few, also those of the next row.
fn room(limit: Option<usize>, used: usize) -> Option<usize> {
    let limit = limit?.max(1);
    let left = (limit * used.div_ceil(limit)).saturating_sub(used + 1);
    Some(if left < MIN_OUTPUT { left + limit } else { left })
}

/// `: no such package`, within `room` columns.
fn output_within(failure: &Failure, room: Option<usize>, paint: Paint) -> String {
    let Some(output) = last_output(failure) else { return String::new() };
    let output = format!(": {output}");
    match room {
        Some(room) if width(&output) > room => paint.fit(&output, room).trim_end().to_owned(),
        _ => output,
    }
}

/// `exit code 3 on arm64 (templates/centos/Dockerfile:14)`, `test failed: not healthy within 1m on
/// arm64 (matrix.yaml:7)`.
pub(crate) fn reason(failure: &Failure) -> String {
    let mut line =
        if failure.phase == Phase::SmokeTest { "test failed: ".to_owned() } else { String::new() };
    line += &clean(&failure.message, 300);
    if let Some(platform) = &failure.platform {
        line += &format!(" on {}", platform.short());
    }
    if let Some(place) = &failure.place {
        line += &format!(" ({}:{})", clean(&place.file, 200), place.line);
    }
    if !failure.earlier.is_empty() {
        line += &format!(", {} attempts", failure.earlier.len() + 1);
    }
    if failure.is_interrupted {
        line += ", stopped before another attempt";
    }
    line
}

/// `retried: dood-2.0.11-alpine, pushed in attempt 2: push failed: …`, a line for each cell that was built in a
/// later attempt, with the failures before it.
fn retried(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let CellResult::Built(Built { earlier, pushed, .. }) = &outcome.result else { continue };
        let reasons: Vec<String> = earlier.iter().map(|one| reason(&one.failure)).collect();
        if !reasons.is_empty() {
            let number = reasons.len() + 1;
            let reasons = reasons.join("; ");
            let done = if pushed.is_empty() { "built" } else { "pushed" };
            text += &format!("retried: {}, {done} in attempt {number}: {reasons}\n", outcome.cell);
        }
    }
    text
}

/// `12 tested on amd64 arm64`, `12 not tested (--skip-test)`; empty without tests.
fn tests(outcomes: &[Outcome], paint: Paint) -> String {
    let is = |outcome: &&Outcome, of: fn(&SmokeResult) -> bool| match &outcome.result {
        CellResult::Built(Built { smoke, .. }) => of(smoke),
        _ => false,
    };
    let skipped = outcomes.iter().filter(|o| is(o, |t| *t == SmokeResult::Skipped)).count();
    let passed = outcomes.iter().filter(|o| is(o, |t| matches!(t, SmokeResult::Passed { .. })));
    let mut platforms: Vec<&Platform> = passed.clone().flat_map(|o| &o.platforms).collect();
    platforms.sort();
    platforms.dedup();
    let platforms: Vec<String> = platforms.into_iter().map(Platform::short).collect();
    let mut text = String::new();
    if !platforms.is_empty() {
        text += &format!("{} tested on {}\n", passed.count(), platforms.join(" "));
    }
    if skipped > 0 {
        let line = format!("{skipped} not tested (--skip-test)");
        text += &format!("{}\n", paint.warning(&line));
    }
    text
}

fn failure_of(outcome: &Outcome) -> Option<(&str, &Failure)> {
    match &outcome.result {
        CellResult::Failed(failure) => Some((&outcome.cell, failure)),
        _ => None,
    }
}

fn counts(outcomes: &[Outcome], paint: Paint) -> String {
    let count =
        |is: &dyn Fn(&CellResult) -> bool| outcomes.iter().filter(|o| is(&o.result)).count();
    let is_pushed =
        |built: &Built| !built.pushed.is_empty() && built.unverified.is_none() && !built.unchanged;
    let pushed = count(&|r| matches!(r, CellResult::Built(built) if is_pushed(built)));
    let unchanged = count(&|r| matches!(r, CellResult::Built(built) if built.unchanged));
    let unverified =
        count(&|r| matches!(r, CellResult::Built(built) if built.unverified.is_some()));
    let built = count(&|r| matches!(r, CellResult::Built(_))) - pushed - unchanged - unverified;
    let failed = count(&|r| matches!(r, CellResult::Failed(_)));
    let cancelled = count(&|r| matches!(r, CellResult::Cancelled));
    let not_started = count(&|r| matches!(r, CellResult::NotStarted(_)));
    let all = [
        (pushed, "pushed"),
        (unchanged, "unchanged"),
        (unverified, "pushed, not verified"),
        (built, "built"),
        (failed, "failed"),
        (cancelled, "cancelled"),
        (not_started, "not started"),
    ];
    let said = all.iter().filter(|(number, _)| *number > 0).map(|(number, word)| {
        let text = format!("{number} {word}");
        match *word {
            "pushed" | "unchanged" | "built" => paint.good(&text),
            "failed" => paint.bad(&text),
            "pushed, not verified" => paint.warning(&text),
            _ => text,
        }
    });
    let said: Vec<_> = said.collect();
    if said.is_empty() { "nothing to build".to_owned() } else { said.join(", ") }
}

/// The repositories that were pushed to, without duplicates, in order of appearance.
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
    use crate::report::samples;

    #[test]
    fn a_run_without_cells_is_reported() {
        let text = summary(&[], Duration::from_millis(4), None, Paint::default());
        assert_eq!(text, "nothing to build, in 4ms\n");
    }

    #[test]
    fn unverified_pushes_are_counted_separately() {
        let mut outcomes = [samples::built("a", 1, true), samples::built("b", 1, true)];
        let CellResult::Built(built) = &mut outcomes[1].result else { unreachable!() };
        built.unverified = Some("r.example answered 503".to_owned());
        let text = summary(&outcomes, Duration::from_secs(2), None, Paint::default());
        assert!(text.contains("1 pushed, 1 pushed, not verified, in 2.0s"), "{text}");
    }

    #[test]
    fn pushes_that_changed_nothing_are_counted_separately() {
        for (unchanged, expected) in
            [(&[1][..], "1 pushed, 1 unchanged, in 2.0s\n"), (&[0, 1], "2 unchanged, in 2.0s\n")]
        {
            let mut outcomes = [samples::built("a", 1, true), samples::built("b", 1, true)];
            for number in unchanged {
                let CellResult::Built(built) = &mut outcomes[*number].result else {
                    unreachable!()
                };
                built.unchanged = true;
            }
            let text = summary(&outcomes, Duration::from_secs(2), None, Paint::default());
            let why = "unchanged: the registry already had the same image under all its tags\n";
            assert!(text.ends_with(&format!("{why}{expected}")), "{text}");
        }
    }

    #[test]
    fn tested_and_untested_cells_are_counted() {
        let tested = |tested: SmokeResult| {
            let mut outcome = samples::built("a", 1, true);
            let CellResult::Built(built) = &mut outcome.result else { unreachable!() };
            built.smoke = tested;
            outcome
        };
        let took = Duration::from_secs(1);
        let failure = Failure { phase: Phase::SmokeTest, ..samples::exit_code() };
        let outcomes = [
            tested(SmokeResult::Passed { took }),
            tested(SmokeResult::Skipped),
            tested(SmokeResult::No),
            samples::failed("b", failure),
        ];
        let text = summary(&outcomes, Duration::from_secs(2), None, Paint::default());
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "1 tested on amd64 arm64",
                "1 not tested (--skip-test)",
                "3 pushed, 1 failed, in 2.0s",
                "  ✗ b  test failed: exit code 1 on arm64 (templates/centos/Dockerfile:14): \
                 Status code: 503 for http://127.0.0.1/repodata/repomd.xml",
            ]
        );
    }

    #[test]
    fn the_last_output_of_a_failed_cell_is_cut_at_the_terminals_width() {
        let mut silent = samples::exit_code();
        silent.log_tail = vec!["\x1b[31mno such package\x1b[0m".to_owned(), " \r\n".to_owned()];
        let outcomes = [
            samples::failed("a", samples::exit_code()),
            samples::failed("b", silent),
            samples::failed("c", samples::refused()),
        ];
        let shown = |limit, ascii| {
            let paint = Paint { ascii, ..Paint::default() };
            let text = summary(&outcomes, Duration::from_secs(2), limit, paint);
            let lines: Vec<String> =
                text.lines().skip(1).map(|l| l.trim_end().to_owned()).collect();
            lines
        };
        let place = "exit code 1 on arm64 (templates/centos/Dockerfile:14)";
        let refused = "  ✗ c  the registry at 127.0.0.1:5000 refused the connection".to_owned();
        let first = "Status code: 503 for http://127.0.0.1/repodata/repomd.xml";
        for (limit, ascii, a, b) in [
            (None, false, format!(": {first}"), ": no such package"),
            (Some(80), false, ": Status code: 503…".to_owned(), ": no such package"),
            (Some(80), true, ": Status code: 5...".to_owned(), ": no such package"),
            (Some(79), false, ": Status code: 50…".to_owned(), ": no such package"),
            (Some(77), false, ": Status code: …".to_owned(), ": no such packa…"),
            // In the next row.
            (Some(70), false, format!(": {first}"), ": no such package"),
            (Some(30), false, ": Status code: 503 for http:/…".to_owned(), ": no such package"),
        ] {
            let expected =
                [format!("  ✗ a  {place}{a}"), format!("  ✗ b  {place}{b}"), refused.clone()];
            assert_eq!(shown(limit, ascii), expected, "{limit:?}");
        }
    }
}
