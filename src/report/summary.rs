//! The last lines: counts, time, and which cells failed.

use std::time::Duration;

use indexmap::IndexMap;

use crate::failure::Phase;
use crate::image::Platform;
use crate::outcome::{Built, CellResult, Failure, Outcome, SmokeResult};
use crate::text::{Paint, clean, duration, pad, width};

/// Columns below which the last output of a failed step says too little.
const MIN_OUTPUT: usize = 12;

/// `5 pushed, 2 unchanged, 1 failed, in 3m02s`, the repositories, and each failed cell with its reason and the
/// last line of its output, in one line. That output is cut at the `limit` of a terminal. Many cells that failed
/// alike have one line, and one with some of their names.
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
    let groups = alike(outcomes);
    let name = |group: &Alike<'_>| match group.cells[..] {
        [cell] => cell.to_owned(),
        _ => format!("{} cells", group.cells.len()),
    };
    let column = groups.iter().map(|group| width(&name(group))).max().unwrap_or(0);
    for group in groups {
        let (mark, reason) = (paint.bad("✗"), &group.reason);
        // The margin, the mark, and the spaces around the name.
        let used = 2 + 1 + 1 + column + 2 + width(reason);
        let output = output_within(group.failure, room(limit, used), paint);
        text += &format!("  {mark} {}  {reason}{output}\n", pad(&name(&group), column));
        if let [_, _, ..] = group.cells[..] {
            let names = group.cells[..NAMED].join(", ");
            text += &format!("    {names} and {} more\n", group.cells.len() - NAMED);
        }
    }
    text
}

/// How many of the cells that failed alike are named; so many lines say no more than two.
const NAMED: usize = 3;

/// Cells that have the same line, or a single one.
struct Alike<'o> {
    cells: Vec<&'o str>,
    failure: &'o Failure,
    reason: String,
}

/// The failed cells; those with the same reason and output together, if they are more than [`NAMED`].
fn alike(outcomes: &[Outcome]) -> Vec<Alike<'_>> {
    let mut groups: IndexMap<String, Vec<(&str, &Failure)>> = IndexMap::new();
    for (cell, failure) in outcomes.iter().filter_map(failure_of) {
        groups.entry(failed_line(failure)).or_default().push((cell, failure));
    }
    let mut found = Vec::new();
    for failed in groups.into_values() {
        let reason = reason(failed[0].1);
        if failed.len() > NAMED {
            let cells = failed.iter().map(|(cell, _)| *cell).collect();
            found.push(Alike { cells, failure: failed[0].1, reason });
            continue;
        }
        let one = |(cell, failure)| Alike { cells: vec![cell], failure, reason: reason.clone() };
        found.extend(failed.into_iter().map(one));
    }
    found
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
/// later attempt, or verified in one, with the failures before it.
fn retried(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let CellResult::Built(built) = &outcome.result else { continue };
        let Built { earlier, pushed, unverified, .. } = built;
        let reasons: Vec<String> = earlier.iter().map(|one| reason(&one.failure)).collect();
        if !reasons.is_empty() {
            let number = reasons.len() + 1;
            let reasons = reasons.join("; ");
            let done = match earlier.iter().all(|one| one.failure.phase == Phase::Verify) {
                true if unverified.is_none() => "verified",
                true => "not verified",
                false if pushed.is_empty() => "built",
                false => "pushed",
            };
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
    use crate::failure::Attempt;
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
    fn attempts_to_verify_a_push_are_reported() {
        let attempt = |phase| Attempt {
            failure: Box::new(Failure { phase, ..samples::refused() }),
            took: Duration::from_secs(1),
        };
        for (phases, unverified, expected) in [
            (&[Phase::Verify][..], None, "retried: a, verified in attempt 2: "),
            (&[Phase::Verify], Some("503"), "retried: a, not verified in attempt 2: "),
            (&[Phase::Push, Phase::Verify], None, "retried: a, pushed in attempt 3: "),
        ] {
            let mut outcome = samples::built("a", 1, true);
            let CellResult::Built(built) = &mut outcome.result else { unreachable!() };
            built.earlier = phases.iter().map(|phase| attempt(*phase)).collect();
            built.unverified = unverified.map(str::to_owned);
            let text = summary(&[outcome], Duration::from_secs(2), None, Paint::default());
            assert!(text.contains(expected), "{text}");
        }
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
    fn many_cells_that_failed_alike_have_one_line_and_some_names() {
        let other = samples::failed("other", samples::refused());
        for (number, expected) in [(3, 4), (4, 3), (40, 3)] {
            let mut outcomes: Vec<Outcome> = (1..=number)
                .map(|n| samples::failed(&format!("v{n}"), samples::exit_code()))
                .collect();
            outcomes.insert(1, other.clone());
            let text = summary(&outcomes, Duration::from_secs(2), None, Paint::default());
            let lines: Vec<&str> = text.lines().skip(1).collect();
            assert_eq!(lines.len(), expected, "{text}");
            if number == 40 {
                assert!(
                    lines[0].starts_with("  ✗ 40 cells  exit code 1 on arm64 (templ"),
                    "{text}"
                );
                assert_eq!(lines[1], "    v1, v2, v3 and 37 more");
                assert!(lines[2].starts_with("  ✗ other     the registry"), "{text}");
            }
        }
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
