//! Runs for the tests of timings.

use std::time::Duration;

use crate::record::event::samples::{head, retrying};
use crate::record::event::{Cell, Event, Step, StepState};
use crate::record::{Recorded, Steps};
use crate::reporters::samples::at;

/// A step of the cell `v1`.
fn step(number: u32, name: &str, state: StepState, took: Option<u64>) -> Step {
    Step {
        cell: "v1".to_owned(),
        step: number,
        name: name.to_owned(),
        platform: None,
        stage: Some("build".to_owned()),
        position: Some((1, 2)),
        state,
        took: took.map(Duration::from_millis),
    }
}

/// A run of the one cell `v1`, for the platform.
fn begun(native: &str, platform: &str) -> Recorded {
    let mut head = head("onebuild build");
    head.time = at(0);
    head.native = (!native.is_empty()).then(|| native.to_owned());
    let mut run = Recorded::new(head, Steps::Kept);
    let platforms = vec![platform.to_owned()];
    run.add(at(0), Event::Cell(Cell { cell: "v1".to_owned(), platforms, ..Cell::default() }));
    run.add(at(100), Event::CellStarted { cell: "v1".to_owned() });
    run
}

/// A cell with one step, which names its platform or not.
pub(super) fn run_of(native: &str, platform: &str, name: &str, is_named: bool) -> Recorded {
    let mut run = begun(native, platform);
    let step = step(1, name, StepState::Done, Some(100));
    let platform = is_named.then(|| platform.to_owned());
    run.add(at(300), Event::Step(Step { platform, ..step }));
    run
}

/// A cell whose first attempt failed after 2.9 s, and whose second one began 2 s later. It is not over.
pub(super) fn retried() -> Recorded {
    let mut run = begun("linux/amd64", "linux/amd64");
    run.add(at(200), Event::Step(step(1, "RUN make", StepState::Running, None)));
    run.add(at(300), Event::Step(step(2, "RUN test", StepState::Running, None)));
    run.add(at(3_000), Event::Step(step(1, "RUN make", StepState::Failed, Some(2_800))));
    run.add(at(3_000), retrying("v1"));
    run.add(at(5_000), Event::Resumed { cell: "v1".to_owned() });
    run.add(at(8_000), Event::Step(step(1, "RUN make", StepState::Done, Some(4_000))));
    run.last = at(9_000);
    run
}
