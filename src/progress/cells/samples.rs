//! Events of a run, for tests.

use std::time::Duration;

use super::*;
use crate::event::{Wait, Warning};
use crate::progress::display::Display;
use crate::report::samples::{built, exit_code, failed};

pub(crate) fn platforms() -> Vec<Platform> {
    ["linux/amd64", "linux/arm64"].map(|p| p.parse().unwrap()).into()
}

pub(crate) fn run_started(cells: &[&str], jobs: usize) -> Event {
    let summary = |cell: &&str| CellSummary { cell: (*cell).into(), platforms: platforms() };
    Event::RunStarted { cells: cells.iter().map(summary).collect(), jobs }
}

pub(crate) fn cell_started(cell: &str) -> Event {
    Event::CellStarted { cell: cell.into() }
}

/// An instruction for one platform.
pub(crate) fn step(cell: &str, id: u32, platform: &str, name: &str, state: StepState) -> Event {
    let step = Step {
        id: StepId(id),
        name: name.to_owned(),
        platform: Some(platform.parse().unwrap()),
        stage: None,
        position: Some((id % 10, 9)),
        is_output: false,
        state,
    };
    Event::Step { cell: cell.into(), step }
}

/// A step of BuildKit itself.
pub(crate) fn internal(cell: &str, id: u32, name: &str, state: StepState) -> Event {
    let (name, id) = (name.to_owned(), StepId(id));
    let is_output = name.starts_with("exporting");
    let step = Step { id, name, platform: None, stage: None, position: None, is_output, state };
    Event::Step { cell: cell.into(), step }
}

pub(crate) fn transfer(cell: &str, id: u32, name: &str, current: u64, total: u64) -> Event {
    let (is_blob, name) = (name.contains("sha256:"), name.to_owned());
    let transfer = Transfer { name, is_blob, current, total, done: current == total };
    Event::Transfer { cell: cell.into(), step: StepId(id), transfer }
}

pub(crate) fn waiting(cell: &str, id: u32, host: &str, what: &str, seconds: u64) -> Event {
    let since = Duration::from_secs(seconds);
    let wait = Wait { host: host.to_owned(), what: what.to_owned(), since };
    Event::Waiting { cell: cell.into(), step: StepId(id), wait }
}

/// The cell waits `seconds` for its second attempt.
pub(crate) fn retrying(cell: &str, seconds: u64) -> Event {
    let wait = Some(Duration::from_secs(seconds));
    let retry = Retry { number: 1, of: 2, failure: Box::default(), took: Duration::ZERO, wait };
    Event::Retrying { cell: cell.into(), retry }
}

/// Passes events to a display at these seconds, with a pulse every second until `end`.
pub(crate) fn show(mut display: impl Display, events: &[(u64, Event)], end: u64) {
    let start = Instant::now();
    for second in 0..=end {
        let now = start + Duration::from_secs(second);
        for (_, event) in events.iter().filter(|(at, _)| *at == second) {
            display.event(event, now).unwrap();
        }
        display.flush(now).unwrap();
    }
    display.end().unwrap();
}

pub(crate) fn answered(cell: &str, id: u32) -> Event {
    Event::Answered { cell: cell.into(), step: StepId(id) }
}

pub(crate) fn run() -> Vec<Event> {
    let (a, c) = ("dood-2.0.11-alpine", "dood-2.0.11-centos");
    let done = |millis| StepState::Done { took: Duration::from_millis(millis) };
    let log = |cell: &str, id, line: &str| Event::Log {
        cell: cell.into(),
        step: StepId(id),
        line: line.to_owned(),
    };
    let warning = Warning {
        file: Some("alpine/Dockerfile".to_owned()),
        line: Some(3),
        message: "JSON arguments recommended for CMD".to_owned(),
        url: Some("https://docs.docker.com/go/dockerfile/rule/json-args-recommended/".to_owned()),
    };
    vec![
        run_started(&[a, c], 2),
        cell_started(a),
        cell_started(c),
        internal(a, 90, "load metadata for docker.io/library/alpine:3.20", StepState::Running),
        internal(a, 90, "load metadata for docker.io/library/alpine:3.20", done(30)),
        Event::Warning { cell: a.into(), warning },
        step(a, 2, "linux/amd64", "COPY hack /hack", StepState::Cached),
        step(a, 3, "linux/amd64", "RUN apk add curl", StepState::Running),
        step(a, 3, "linux/amd64", "RUN apk add curl", StepState::Running),
        step(c, 15, "linux/arm64", "RUN dnf -y install supervisor", StepState::Running),
        log(a, 3, "fetch http://127.0.0.1/v3.20/main"),
        log(c, 15, "Status code: 503"),
        step(a, 3, "linux/amd64", "RUN apk add curl", done(1_240)),
        step(
            c,
            15,
            "linux/arm64",
            "RUN dnf -y install supervisor",
            StepState::Failed { took: Duration::from_secs(41) },
        ),
        Event::CellFinished(failed(c, exit_code())),
        internal(a, 91, "exporting to image", StepState::Running),
        transfer(a, 91, "pushing layers", 12_400_000, 31_000_000),
        transfer(a, 91, "pushing layers", 31_000_000, 31_000_000),
        internal(a, 91, "exporting to image", done(3_100)),
        Event::CellFinished(built(a, 72_000, true)),
    ]
}
