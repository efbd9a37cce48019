//! The results of cells and smoke tests as JUnit XML.
//!
//! There is no standard for it: `docs/reports.md` lists what its readers read. A reader compares the results of
//! two runs by names, so no name has anything in it that changes from run to run.

mod place;

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString,
};

use crate::failure::Phase;
use crate::outcome::{Attempt, CellResult, Failure, Outcome};
use crate::record::event::{self, Built, Retrying, SmokeTest};
use crate::record::{Recorded, RecordedCell};
use crate::report;
use crate::text::{Paint, clean, counted};

/// The suite of cells, and that of their smoke tests. Readers that write Markdown do not escape these names.
const IMAGES: &str = "images";
const SMOKE_TESTS: &str = "smoke tests";

/// Maximum length of a name.
const NAME: usize = 200;

pub(super) fn junit(run: &Recorded) -> String {
    let (mut images, mut tests) = (TestSuite::new(IMAGES), TestSuite::new(SMOKE_TESTS));
    for known in run.cells.values() {
        let outcome = known.outcome();
        images.add_test_case(image(known, &outcome));
        tests.add_test_cases(smoke_test(known, &outcome));
    }
    images.set_time(run.elapsed());
    tests.set_time(tests.test_cases.iter().filter_map(|case| case.time).sum());
    let mut report = Report::new("onebuild");
    report.set_time(run.elapsed());
    report.timestamp = run.head.time.to_string().parse().ok();
    for mut suite in [images, tests].into_iter().filter(|suite| suite.tests > 0) {
        suite.timestamp = report.timestamp;
        report.add_test_suite(suite);
    }
    report.to_string().expect("text can be written to memory")
}

/// The test case of a cell.
fn image(known: &RecordedCell, outcome: &Outcome) -> TestCase {
    let status = match &outcome.result {
        _ if known.finished.is_none() && known.started.is_some() => skipped("it had not ended"),
        CellResult::Built(built) => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(reruns(known, &built.earlier));
            status
        }
        // So the number of failures is that of the failed cells.
        CellResult::Failed(failure) if failure.phase == Phase::SmokeTest => {
            skipped("built, but its smoke test failed")
        }
        CellResult::Failed(failure) => failed(known, outcome, failure),
        CellResult::NotStarted(_) => skipped("it was not started"),
        CellResult::Cancelled => skipped("it was cancelled"),
    };
    let mut case = case(known, IMAGES, status, outcome.elapsed);
    if let Some(event::CellResult::Built(built)) = result(known) {
        case.set_system_out(xml(&notes(built)));
    }
    case
}

/// That of its smoke test, if it got so far.
fn smoke_test(known: &RecordedCell, outcome: &Outcome) -> Option<TestCase> {
    let (status, took) = match (&outcome.result, result(known)) {
        (CellResult::Failed(failure), _) if failure.phase == Phase::SmokeTest => {
            (failed(known, outcome, failure), failure.elapsed.unwrap_or_default())
        }
        (_, Some(event::CellResult::Built(built))) => match built.smoke_test {
            SmokeTest::None => return None,
            SmokeTest::Skipped => (skipped("--skip-test"), Duration::ZERO),
            SmokeTest::Passed { took } => (TestCaseStatus::success(), took),
        },
        _ => return None,
    };
    Some(case(known, SMOKE_TESTS, status, took))
}

fn result(known: &RecordedCell) -> Option<&event::CellResult> {
    known.finished.as_ref().map(|finished| &finished.result)
}

/// Cells are grouped by their first axis.
fn case(known: &RecordedCell, suite: &str, status: TestCaseStatus, took: Duration) -> TestCase {
    let name = match suite {
        // GitLab knows a test by its name and its class alone.
        SMOKE_TESTS => format!("smoke test of {}", known.cell.cell),
        _ => known.cell.cell.clone(),
    };
    let class = match known.cell.axes.first() {
        Some((axis, value)) => format!("{axis}={value}"),
        None => suite.to_owned(),
    };
    let place = match (&status, result(known)) {
        (TestCaseStatus::NonSuccess { .. }, Some(event::CellResult::Failed { failure })) => {
            failure.place.as_ref()
        }
        _ => None,
    };
    let mut case = TestCase::new(xml(&clean(&name, NAME)), status);
    case.set_classname(xml(&clean(&class, NAME))).set_time(took);
    if let Some(place) = place {
        case.extra.insert(xml("file"), xml(&clean(&place.file, NAME)));
        case.extra.insert(xml("line"), xml(&place.line.to_string()));
    }
    case
}

/// The failure as the report shows it.
fn failed(known: &RecordedCell, outcome: &Outcome, failure: &Failure) -> TestCaseStatus {
    let mut text = report::failures(std::slice::from_ref(outcome), Paint::default()).concat();
    if let Some(line) = failure.place.as_ref().and_then(place::frame) {
        text += &format!("\n{line}\n");
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(xml(&report::reason(failure))).set_description(xml(&text));
    if let Some(event::CellResult::Failed { failure }) = result(known) {
        status.set_type(xml(&failure.kind));
    }
    status.add_reruns(reruns(known, &failure.earlier));
    status
}

/// Some readers show only the message, others only the text.
fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why).set_description(why);
    status
}

/// The attempts that failed and were followed by another one.
fn reruns(known: &RecordedCell, earlier: &[Attempt]) -> impl Iterator<Item = TestRerun> {
    known.retries.iter().zip(earlier).map(|(retry, attempt)| rerun(retry, &attempt.failure))
}

fn rerun(retry: &Retrying, failure: &Failure) -> TestRerun {
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_message(xml(&report::reason(failure))).set_type(xml(&retry.failure.kind));
    rerun.set_description(xml(&report::failed_line(failure)));
    rerun.time = retry.took;
    rerun
}

/// What is known of an image that is complete.
fn notes(built: &Built) -> String {
    let Built { digest, pushed, unchanged, unverified, cached_steps, total_steps, .. } = built;
    let mut lines: Vec<String> = digest.iter().cloned().collect();
    lines.extend(pushed.iter().map(|reference| format!("pushed: {reference}")));
    if *unchanged {
        lines.push("unchanged: the registry already had the same image".to_owned());
    }
    lines.extend(unverified.iter().map(|why| format!("not verified: {}", clean(why, NAME))));
    lines.extend(built.kept_from.iter().map(|id| format!("left out: the run {id} built it")));
    lines.push(format!(
        "{cached_steps} of {} from the cache",
        counted(*total_steps as usize, "step")
    ));
    lines.join("\n")
}

/// `text` with only those characters that XML has, and without the mark of GitLab that attaches a file.
fn xml(text: &str) -> XmlString {
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "");
    XmlString::new(text.replace("[[ATTACHMENT|", "[ [ATTACHMENT|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::event::samples::HOSTILE;
    use crate::reporters::samples::{family, foreign};

    fn read(text: &str) -> Report {
        Report::deserialize_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn find<'r>(report: &'r Report, suite: usize, name: &str) -> &'r TestCase {
        let mut cases = report.test_suites[suite].test_cases.iter();
        cases.find(|case| &case.name == name).expect("there is such a case")
    }

    #[test]
    fn there_is_a_case_for_each_cell_and_for_each_smoke_test() {
        let run = family();
        let report = read(&junit(&run));
        let totals = run.totals();
        let [images, tests] = &*report.test_suites else { panic!("{}", report.test_suites.len()) };
        assert_eq!((&*images.name, &*tests.name), (IMAGES, SMOKE_TESTS));
        assert_eq!(images.tests, totals.cells);
        assert_eq!((images.failures, images.skipped), (totals.failed, totals.not_started));
        assert_eq!((tests.tests, tests.failures), (totals.pushed, 0));
        assert_eq!(report.failures, totals.failed);
        let names = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
        let mut names: Vec<_> = names.map(|case| (&case.classname, &case.name)).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "two cases have one name");
        assert!(names.iter().all(|(class, _)| class.as_ref().unwrap().starts_with("os=")));
    }

    #[test]
    fn a_failure_has_its_message_its_place_and_its_last_output() {
        let report = read(&junit(&family()));
        let case = find(&report, 0, "dood-2.0.11-centos");
        assert_eq!(&case.extra["file"], "templates/centos/Dockerfile");
        assert_eq!(&case.extra["line"], "14");
        let TestCaseStatus::NonSuccess { message, ty, description, .. } = &case.status else {
            panic!("{case:?}")
        };
        let message = message.as_deref().unwrap();
        assert_eq!(message, "exit code 1 on arm64 (templates/centos/Dockerfile:14)");
        assert_eq!(ty.as_deref(), Some("command"));
        let text = description.as_deref().unwrap();
        for part in [
            "templates/centos/Dockerfile:14",
            "RUN dnf -y install supervisor",
            "No match for argument: supervisor",
            "\nat templates.centos.Template(Dockerfile:14)",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn earlier_attempts_of_a_cell_that_was_built_are_flaky_runs() {
        let run = family();
        let known = run.cells.values().find(|cell| !cell.retries.is_empty()).unwrap();
        let report = read(&junit(&run));
        let case = find(&report, 0, &known.cell.cell);
        let TestCaseStatus::Success { flaky_runs } = &case.status else { panic!("{case:?}") };
        assert_eq!(flaky_runs.len(), 1);
        assert_eq!(flaky_runs[0].time, Some(Duration::from_secs(3)));
        assert!(flaky_runs[0].message.as_deref().unwrap().contains("503"), "{flaky_runs:?}");
    }

    #[test]
    fn a_failed_smoke_test_is_the_failure_of_its_own_case() {
        let mut run = family();
        let finished = run.cells["dood-2.0.11-centos"].finished.as_mut().unwrap();
        let event::CellResult::Failed { failure } = &mut finished.result else { unreachable!() };
        (failure.phase, failure.kind) = ("smoke-test".to_owned(), "smoke-test".to_owned());
        let failed = run.totals().failed;
        let report = read(&junit(&run));
        let image = find(&report, 0, "dood-2.0.11-centos");
        assert!(matches!(image.status, TestCaseStatus::Skipped { .. }), "{image:?}");
        let test = find(&report, 1, "smoke test of dood-2.0.11-centos");
        let TestCaseStatus::NonSuccess { message, .. } = &test.status else { panic!("{test:?}") };
        assert!(message.as_deref().unwrap().starts_with("test failed: "), "{message:?}");
        assert_eq!(report.failures, failed);
    }

    #[test]
    fn foreign_text_stays_in_its_place_and_has_only_characters_of_xml() {
        for text in [HOSTILE, &["[[ATTACHMENT|/etc/passwd]]"]].concat() {
            let written = junit(&foreign(text));
            let report = read(&written);
            let cases = &report.test_suites[0].test_cases;
            let names: Vec<&str> = cases.iter().map(|case| &*case.name).collect();
            assert_eq!(names, ["failed", "pushed", "began"], "{text:?}");
            let is_bad = |c: char| {
                c.is_control() && c != '\n'
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || matches!(c, '\u{fffe}' | '\u{ffff}')
            };
            assert!(!written.contains(is_bad), "{written:?}");
            for part in ["<script", "<b>", "]]>", "##[", "[[ATTACHMENT|", "<!--"] {
                assert!(!written.contains(part), "{part}\n{written}");
            }
            assert!(!written.lines().any(|line| line.trim_start().starts_with("::")), "{written}");
        }
    }
}
