//! Describes a cell's current activity in half a line.

use std::time::{Duration, Instant};

use super::cells::{Active, Running};
use crate::event::{Retry, Step, Transfer, Wait};
use crate::report::reason;
use crate::text::{bytes, clean, instruction, seconds, width};

/// Maximum length of an instruction; terminals are narrower.
const NAME: usize = 400;
/// Columns that a step needs beside the other platforms.
const MIN_STEP: usize = 24;
/// How long an instruction may be silent until that is shown.
const SILENCE: Duration = Duration::from_secs(30);

/// `amd64 7/9 · arm64 5/9 RUN dnf -y install supervisor`, `pushing layers 12.4/31.0 MB`.
///
/// The position of every platform with a running instruction, then the step that has been running
/// longest, which the cell is waiting for. If a step waits for an answer, only that is shown. If too
/// few of the `room` columns are left for the step, the other platforms are omitted.
pub(super) fn activity(cell: &Active, now: Instant, room: usize) -> String {
    if let Some((retry, began)) = &cell.retry {
        return retrying(retry, now.saturating_duration_since(*began));
    }
    if let Some((wait, began)) = cell.waits.values().next() {
        return waiting(wait, now.saturating_duration_since(*began));
    }
    let Some(longest) = longest(cell).map(|running| &running.step).or(cell.last.as_ref()) else {
        return "starting".to_owned();
    };
    let name = instruction(&longest.name, NAME);
    // The names of transfers are more specific than the step's `exporting to image`.
    let name = moved(cell, longest).unwrap_or(name);
    let mut parts: Vec<String> = place(longest).into_iter().collect();
    parts.push(name);
    let step = parts.join(" ");
    let others = others(cell, longest);
    if others.is_empty() || width(&others) + width(&step).min(MIN_STEP) > room {
        return step;
    }
    format!("{others} · {step}")
}

/// The time of the step in [`activity`], and its silence: `12s`, `1m12s, no output for 40 s`; only
/// the silence if it began with the step.
/// `None` if no step is running, or if it waits for an answer.
pub(super) fn step_time(cell: &Active, now: Instant) -> Option<String> {
    let longest = longest(cell).filter(|_| cell.waits.is_empty())?;
    let time = seconds(now.saturating_duration_since(longest.since));
    let silence = now.saturating_duration_since(longest.heard);
    // Only instructions write output while they run.
    if silence < SILENCE || longest.step.position.is_none() {
        return Some(time);
    }
    let silent = format!("no output for {} s", silence.as_secs());
    Some(if longest.heard == longest.since { silent } else { format!("{time}, {silent}") })
}

/// The step that has been running longest.
fn longest(cell: &Active) -> Option<&Running> {
    cell.running.values().next()
}

/// `retry 1 of 2 in 12 s: push failed: ghcr.io answered 503 Service Unavailable`
pub(super) fn retrying(retry: &Retry, since: Duration) -> String {
    let Retry { number, of, failure, took: _, wait } = retry;
    let when = match wait.map(|wait| wait.saturating_sub(since).as_secs()) {
        None => "when the engine answers".to_owned(),
        Some(0) => "when a slot of --jobs is free".to_owned(),
        Some(seconds) => format!("in {seconds} s"),
    };
    format!("retry {number} of {of} {when}: {}", reason(failure))
}

/// `waiting for ghcr.io (30 s): pushing layers`
pub(super) fn waiting(wait: &Wait, since: Duration) -> String {
    let text = format!("waiting for {} ({} s)", clean(&wait.host, NAME), since.as_secs());
    match wait.what.as_str() {
        "" => text,
        what => format!("{text}: {}", clean(what, NAME)),
    }
}

/// The current instruction of each platform, except `longest`: `amd64 7/9 · s390x 2/9`.
fn others(cell: &Active, longest: &Step) -> String {
    let mut places = Vec::new();
    for platform in &cell.platforms {
        let of_platform = |step: &&Step| step.platform.as_ref() == Some(platform);
        let mut steps = cell.running.values().map(|running| &running.step).filter(of_platform);
        let step = steps.find(|step| step.position.is_some());
        match step {
            Some(step) if step.id != longest.id => places.extend(place(step)),
            _ => {}
        }
    }
    places.join(" · ")
}

/// `arm64 5/9`
fn place(step: &Step) -> Option<String> {
    let (number, total) = step.position?;
    let place = format!("{number}/{total}");
    Some(match &step.platform {
        Some(platform) => format!("{} {place}", platform.short()),
        None => place,
    })
}

/// `pushing layers 12.4 MB of 31.0 MB`, for all transfers of the step.
fn moved(cell: &Active, step: &Step) -> Option<String> {
    let of_step = |((id, _), transfer): (&(_, String), &Transfer)| {
        (*id == step.id && !transfer.done).then(|| transfer.clone())
    };
    let transfers: Vec<Transfer> = cell.transfers.iter().filter_map(of_step).collect();
    let latest = transfers.iter().rev().find(|t| !t.is_blob);
    let name = latest.map_or(step.name.as_str(), |t| t.name.as_str());
    let (current, total) = transfers
        .iter()
        .filter(|t| t.total > 0)
        .fold((0, 0), |(current, total), t| (current + t.current, total + t.total));
    let unsized_bytes: u64 = transfers.iter().map(|t| t.current).max().unwrap_or(0);
    let name = clean(name, NAME);
    match (total, unsized_bytes) {
        _ if transfers.is_empty() => None,
        (0, 0) => Some(name),
        (0, moved) => Some(format!("{name} {}", bytes(moved))),
        (total, _) => Some(format!("{name} {}", part(current, total))),
    }
}

/// `12.4/31.0 MB`, `800.0 kB/31.0 MB`
fn part(current: u64, total: u64) -> String {
    let (current, total) = (bytes(current), bytes(total));
    match (current.split_once(' '), total.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number}/{total}"),
        _ => format!("{current}/{total}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, StepId, StepState};
    use crate::progress::cells::{Cells, samples};

    const DONE: StepState = StepState::Done { took: Duration::from_secs(1) };

    fn after(events: &[Event]) -> String {
        let mut cells = Cells::default();
        let start = [samples::run_started(&["a"], 1), samples::cell_started("a")];
        for event in start.iter().chain(events) {
            cells.event(event, Instant::now());
        }
        activity(&cells.active["a"], Instant::now(), 80)
    }

    #[test]
    fn a_waiting_step_names_the_host_until_it_continues() {
        use samples::{answered, internal, waiting};
        let export = internal("a", 90, "exporting to image", StepState::Running);
        let done = internal("a", 90, "exporting to image", DONE);
        let wait = |seconds| waiting("a", 90, "ghcr.io", "pushing layers", seconds);
        let started = [export, wait(30)];
        let after = |more: &[Event]| after(&[&started[..], more].concat());
        assert_eq!(after(&[]), "waiting for ghcr.io (30 s): pushing layers");
        assert_eq!(after(&[wait(90)]), "waiting for ghcr.io (90 s): pushing layers");
        for end in [answered("a", 90), done] {
            assert_eq!(after(&[end]), "exporting to image");
        }
        assert_eq!(after(&[waiting("a", 91, "the engine", "", 45)]), after(&[]));
    }

    #[test]
    fn a_cell_shows_the_position_of_each_platform_and_the_longest_step() {
        use samples::{internal, step};
        let running = StepState::Running;
        let arm = step("a", 15, "linux/arm64", "RUN dnf -y install supervisor", running);
        let amd = step("a", 7, "linux/amd64", "RUN tar xf a.tar", running);
        let export = internal("a", 90, "exporting to image", running);
        for (events, expected) in [
            (vec![], "starting"),
            (vec![arm.clone()], "arm64 5/9 RUN dnf -y install supervisor"),
            (vec![arm.clone(), amd.clone()], "amd64 7/9 · arm64 5/9 RUN dnf -y install supervisor"),
            (vec![amd.clone(), arm.clone()], "arm64 5/9 · amd64 7/9 RUN tar xf a.tar"),
            (
                vec![amd.clone(), step("a", 7, "linux/amd64", "RUN tar xf a.tar", DONE)],
                "amd64 7/9 RUN tar xf a.tar",
            ),
            (vec![export.clone()], "exporting to image"),
            (vec![export.clone(), arm.clone()], "arm64 5/9 · exporting to image"),
        ] {
            assert_eq!(after(&events), expected);
        }
    }

    #[test]
    fn with_little_room_only_the_longest_step_is_shown() {
        use samples::step;
        let (mut cells, now) = (Cells::default(), Instant::now());
        cells.event(&samples::run_started(&["a"], 1), now);
        cells.event(&samples::cell_started("a"), now);
        let run = "RUN tar xf a-long-name.tar";
        cells.event(&step("a", 7, "linux/amd64", run, StepState::Running), now);
        cells.event(&step("a", 15, "linux/arm64", "RUN make", StepState::Running), now);
        for (room, expected) in [
            (33, "arm64 5/9 · amd64 7/9 RUN tar xf a-long-name.tar"),
            (32, "amd64 7/9 RUN tar xf a-long-name.tar"),
        ] {
            assert_eq!(activity(&cells.active["a"], now, room), expected, "{room}");
        }
    }

    #[test]
    fn the_time_of_a_step_begins_with_it_and_its_silence_with_its_last_output() {
        use samples::{internal, step, transfer, waiting};
        let running = StepState::Running;
        let run = || step("a", 5, "linux/amd64", "RUN make", running);
        let export = || internal("a", 90, "exporting to image", running);
        let log = || Event::Log { cell: "a".into(), step: StepId(5), line: "x".to_owned() };
        let moved = || transfer("a", 5, "sha256:aa", 1, 2);
        let done = || step("a", 5, "linux/amd64", "RUN make", DONE);
        for (events, at, expected) in [
            (vec![], 50, None),
            (vec![(10, run())], 10, Some("0s")),
            (vec![(10, run())], 39, Some("29s")),
            (vec![(10, run())], 40, Some("no output for 30 s")),
            // BuildKit reports a running step again.
            (vec![(10, run()), (20, run())], 50, Some("no output for 40 s")),
            (vec![(10, run()), (30, log())], 59, Some("49s")),
            (vec![(10, run()), (30, log())], 130, Some("2m00s, no output for 100 s")),
            (vec![(10, run()), (30, moved())], 59, Some("49s")),
            (vec![(10, export())], 80, Some("1m10s")),
            (vec![(10, run()), (20, done())], 80, None),
            (vec![(10, run()), (40, waiting("a", 5, "the engine", "", 30))], 80, None),
        ] {
            let (mut cells, start) = (Cells::default(), Instant::now());
            let second = |seconds| start + Duration::from_secs(seconds);
            cells.event(&samples::run_started(&["a"], 1), start);
            cells.event(&samples::cell_started("a"), start);
            events.iter().for_each(|(seconds, event)| cells.event(event, second(*seconds)));
            let time = step_time(&cells.active["a"], second(at));
            assert_eq!(time.as_deref(), expected, "{events:?}");
        }
    }

    #[test]
    fn transfers_are_added_over_all_layers() {
        use samples::{internal, transfer};
        let export = internal("a", 90, "exporting to image", StepState::Running);
        let pushing = transfer("a", 90, "pushing layers", 0, 1);
        let one = transfer("a", 90, "sha256:aa", 10_000_000, 20_000_000);
        let two = transfer("a", 90, "sha256:bb", 2_400_000, 11_000_000);
        let events = vec![export.clone(), pushing, one, two.clone()];
        assert_eq!(after(&events), "pushing layers 12.4/31.0 MB");
        assert_eq!(after(&[export.clone(), two]), "exporting to image 2.4/11.0 MB");
        assert_eq!(
            after(&[export, transfer("a", 90, "transferring context:", 1_500, 0)]),
            "transferring context: 1.5 kB"
        );
    }
}
