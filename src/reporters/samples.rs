//! Runs for the tests of all forms.

use std::time::{Duration, UNIX_EPOCH};

use crate::record::event::samples::head;
use crate::record::event::{
    Built, Cell, CellFinished, CellResult, Event, Failure, Place, PlatformImage, Retrying,
    RunFinished, SmokeTest, Step, StepState, Warning,
};
use crate::record::{Recorded, State, Steps, Timestamp};

/// The time `millis` after the start of a run.
pub(super) fn at(millis: u64) -> Timestamp {
    (UNIX_EPOCH + Duration::from_millis(1_790_000_000_000 + millis)).into()
}

/// A run of 3 systems, 28 versions and 2 editions: 168 cells. Most were pushed, some failed in two ways, one was
/// retried, some were not started.
pub(super) fn family() -> Recorded {
    let mut run = begun("onebuild matrix --push");
    let mut cells = Vec::new();
    for os in ["ubuntu", "centos", "alpine"] {
        for version in 0..28 {
            for edition in ["pro", "cn"] {
                cells.push((os, format!("2.0.{version}"), edition));
            }
        }
    }
    for (os, version, edition) in &cells {
        let axes = [("os", *os), ("version", version), ("edition", *edition)];
        let name = name(os, version, edition);
        run.add(at(0), Event::Cell(cell(&name, &axes)));
    }
    for (number, (os, version, edition)) in (0..).zip(&cells) {
        let cell = name(os, version, edition);
        let (start, took) = (number * 900, 2_000 + (number % 7) * 800);
        if *os == "alpine" && version == "2.0.27" {
            let result = CellResult::NotStarted;
            run.add(at(start), Event::CellFinished(finished(&cell, 0, result)));
            continue;
        }
        run.add(at(start), Event::CellStarted { cell: cell.clone() });
        let failure = match (*os, version.as_str()) {
            ("centos", "2.0.11" | "2.0.12") => Some(no_package()),
            ("ubuntu", "2.0.3") => Some(no_answer()),
            _ => None,
        };
        steps(&mut run, &cell, start, took, failure.is_some(), number % 3 == 0);
        if number == 5 {
            let retry = Retrying {
                cell: cell.clone(),
                number: 1,
                of: 2,
                wait: Some(Duration::from_secs(4)),
                took: Some(Duration::from_secs(3)),
                failure: Box::new(no_answer()),
            };
            run.add(at(start + took), Event::Retrying(retry));
            run.add(at(start + took), Event::Resumed { cell: cell.clone() });
        }
        if *os == "centos" {
            run.add(at(start + took), Event::Warning(warning(&cell, "FROM has no digest")));
        }
        let result = match failure {
            Some(failure) => CellResult::Failed { failure: Box::new(failure) },
            None => CellResult::Built(Built {
                digest: Some(format!("sha256:{number:064x}")),
                pushed: vec![format!("docker.io/me/panel:{cell}")],
                unchanged: number % 11 == 0,
                verified: true,
                cached_steps: if number % 3 == 0 { 4 } else { 1 },
                total_steps: 4,
                images: images(number),
                smoke_test: SmokeTest::Passed { took: Duration::from_millis(700) },
                ..Built::default()
            }),
        };
        run.add(at(start + took), Event::CellFinished(finished(&cell, took, result)));
    }
    end(run, 1, 160_000)
}

/// A run with `text` wherever text can be: a cell that failed, one that was pushed, one that only began.
pub(super) fn foreign(text: &str) -> Recorded {
    let mut run = begun(text);
    for name in ["failed", "pushed", "began"] {
        run.add(at(0), Event::Cell(cell(name, &[("os", text), ("version", "1")])));
        run.add(at(1), Event::CellStarted { cell: name.to_owned() });
        run.add(at(2), Event::Warning(warning(name, text)));
    }
    let owned = || text.to_owned();
    for (state, took) in [(StepState::Running, None), (StepState::Failed, Some(5_u64))] {
        run.add(
            at(10),
            Event::Step(Step {
                cell: "failed".to_owned(),
                step: 1,
                name: owned(),
                platform: Some("linux/arm64".to_owned()),
                stage: Some(owned()),
                position: Some((1, 2)),
                state,
                took: took.map(Duration::from_millis),
            }),
        );
    }
    let failure = Failure {
        kind: "command".to_owned(),
        phase: "build".to_owned(),
        message: owned(),
        engine: Some(owned()),
        platform: Some("linux/arm64".to_owned()),
        stage: Some(owned()),
        place: Some(Place { file: owned(), line: 4, text: owned() }),
        instruction: Some(owned()),
        exit_code: Some(3),
        help: Some(owned()),
        output: vec![owned(), owned()],
        ..Failure::default()
    };
    let retry = Retrying {
        cell: "failed".to_owned(),
        number: 1,
        of: 1,
        wait: None,
        took: None,
        failure: Box::new(failure.clone()),
    };
    run.add(at(11), Event::Retrying(retry));
    let failed = CellResult::Failed { failure: Box::new(failure) };
    run.add(at(12), Event::CellFinished(finished("failed", 12, failed)));
    let built = Built {
        digest: Some(format!("sha256:{:064x}", 1)),
        pushed: vec!["docker.io/me/panel:pushed".to_owned()],
        unverified: Some(owned()),
        ..Built::default()
    };
    run.add(at(13), Event::CellFinished(finished("pushed", 13, CellResult::Built(built))));
    end(run, 1, 20)
}

fn begun(command: &str) -> Recorded {
    let mut head = head(command);
    head.time = at(0);
    head.native = Some("linux/amd64".to_owned());
    Recorded::new(head, Steps::Kept)
}

fn end(mut run: Recorded, exit_code: u8, millis: u64) -> Recorded {
    let totals = run.totals();
    run.last = at(millis);
    let elapsed = Duration::from_millis(millis);
    run.state = State::Ended(RunFinished { exit_code, elapsed, totals });
    run
}

fn name(os: &str, version: &str, edition: &str) -> String {
    match edition {
        "cn" => format!("dood-{version}-{os}-cn"),
        _ => format!("dood-{version}-{os}"),
    }
}

fn cell(name: &str, axes: &[(&str, &str)]) -> Cell {
    Cell {
        cell: name.to_owned(),
        axes: axes.iter().map(|(axis, value)| ((*axis).into(), (*value).into())).collect(),
        platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
        references: vec![format!("docker.io/me/panel:{name}")],
    }
}

fn finished(cell: &str, millis: u64, result: CellResult) -> CellFinished {
    CellFinished { cell: cell.to_owned(), elapsed: Duration::from_millis(millis), result }
}

fn warning(cell: &str, message: &str) -> Warning {
    Warning {
        cell: cell.to_owned(),
        file: Some("templates/centos/Dockerfile".to_owned()),
        line: Some(1),
        message: message.to_owned(),
        url: Some("https://docs.docker.com/go/dockerfile/rule/x/".to_owned()),
    }
}

/// Two steps for each platform, of which the last one fails on arm64 with `fails`.
fn steps(run: &mut Recorded, cell: &str, start: u64, took: u64, fails: bool, is_cached: bool) {
    for (number, platform) in (0..).zip(["linux/amd64", "linux/arm64"]) {
        for (position, name) in [(1, "FROM docker.io/library/base"), (2, "RUN install-everything")]
        {
            let id = number * 10 + position;
            let (from, until) = match position {
                1 => (start + 50, start + 200),
                _ => (start + 200, start + took),
            };
            let (state, took) = match () {
                () if position == 2 && number == 1 && fails => (StepState::Failed, until - from),
                () if is_cached => (StepState::Cached, 0),
                () => (StepState::Done, until - from),
            };
            let step = |state, took: Option<u64>| Step {
                cell: cell.to_owned(),
                step: id,
                name: name.to_owned(),
                platform: Some(platform.to_owned()),
                stage: None,
                position: Some((position, 2)),
                state,
                took: took.map(Duration::from_millis),
            };
            run.add(at(from), Event::Step(step(StepState::Running, None)));
            let took = (state != StepState::Cached).then_some(took);
            run.add(at(until), Event::Step(step(state, took)));
        }
    }
}

/// The images of both platforms.
fn images(number: u64) -> Vec<PlatformImage> {
    let image = |(place, platform): (u64, &str)| PlatformImage {
        platform: platform.to_owned(),
        digest: format!("sha256:{:064x}", 1_000 + 2 * number + place),
        id: format!("sha256:{:064x}", 2_000 + 2 * number + place),
        size: 90_000_000 + 1_000_000 * place,
    };
    (0..).zip(["linux/amd64", "linux/arm64"]).map(image).collect()
}

/// A command failed.
fn no_package() -> Failure {
    Failure {
        kind: "command".to_owned(),
        phase: "build".to_owned(),
        message: "exit code 1".to_owned(),
        platform: Some("linux/arm64".to_owned()),
        place: Some(Place {
            file: "templates/centos/Dockerfile".to_owned(),
            line: 14,
            text: "RUN dnf -y install supervisor".to_owned(),
        }),
        instruction: Some("RUN dnf -y install supervisor".to_owned()),
        exit_code: Some(1),
        took: Some(Duration::from_secs(2)),
        output: vec![
            "Last metadata expiration check: 0:01:10 ago".to_owned(),
            "No match for argument: supervisor".to_owned(),
        ],
        ..Failure::default()
    }
}

/// A registry did not answer.
fn no_answer() -> Failure {
    Failure {
        kind: "registry".to_owned(),
        phase: "push".to_owned(),
        temporary: true,
        message: "push failed: docker.io answered 503 Service Unavailable".to_owned(),
        help: Some("run it again later: finished build steps are cached".to_owned()),
        ..Failure::default()
    }
}
