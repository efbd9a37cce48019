//! The trace, in the Trace Event Format, which Perfetto, Speedscope and Chrome's own viewer read.
//!
//! A run is one process in it. A cell has a thread, and one more for each further step that runs at the same
//! time, because the events of a thread may contain each other but not overlap.
//!
//! Source: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use serde::Serialize;

use super::model::{CellTimes, Span, StepEnd, StepTimes, Timings};
use crate::record::State;
use crate::text::clean;

/// The longest text of a run, in characters.
const LONGEST: usize = 2_000;

/// The process of the run.
const PROCESS: u32 = 1;

pub(super) fn trace(timings: &Timings<'_>) -> String {
    let mut events = Vec::new();
    let head = &timings.run.head;
    let run = Named { name: format!("onebuild {}", head.id) };
    events.push(Event::Metadata { name: "process_name", pid: PROCESS, tid: 0, args: run });
    let mut thread = 1;
    for cell in &timings.cells {
        thread = add(&mut events, cell, thread);
    }
    let other = Other {
        run: head.id.as_str(),
        command: clean(&head.command.text, LONGEST),
        started: head.time.to_string(),
        onebuild: clean(&head.onebuild, LONGEST),
        engine: clean(&head.engine, LONGEST),
        jobs: head.jobs,
        exit_code: match &timings.run.state {
            State::Ended(end) => Some(end.exit_code),
            State::Running | State::Killed => None,
        },
    };
    let trace = Trace { events, unit: "ms", other };
    serde_json::to_string(&trace).expect("it has neither maps nor values that can fail")
}

/// Adds a cell in threads from `first` on; returns the next free one.
fn add(events: &mut Vec<Event>, cell: &CellTimes<'_>, first: u32) -> u32 {
    let Some(ran) = cell.ran else { return first };
    events.push(named(first, cell.name.clone()));
    let args = Args { state: cell.state.word(), ..Args::default() };
    events.push(complete(cell.name.clone(), "cell", first, ran, args));
    if cell.attempts.len() > 1 || !cell.waits.is_empty() {
        for (number, attempt) in (1..).zip(&cell.attempts) {
            let state = match cell.known.retries.get(number - 1) {
                Some(_) => StepEnd::Failed.word(),
                None => cell.state.word(),
            };
            let args = Args { state, ..Args::default() };
            events.push(complete(format!("attempt {number}"), "attempt", first, *attempt, args));
        }
        for wait in &cell.waits {
            let args = Args { state: "waiting", ..Args::default() };
            let name = "wait for the next attempt".to_owned();
            events.push(complete(name, "wait", first, *wait, args));
        }
    }
    // When each thread is free again.
    let mut free = vec![0];
    for step in &cell.steps {
        let lane = free.iter().position(|until| *until <= step.ran.from).unwrap_or(free.len());
        let thread = first + u32::try_from(lane).unwrap_or(u32::MAX - first);
        if lane == free.len() {
            free.push(0);
            events.push(named(thread, format!("{} (at the same time, {})", cell.name, lane + 1)));
        }
        free[lane] = step.ran.until;
        events.push(complete(step.label.clone(), "step", thread, step.ran, Args::of(step)));
    }
    first + u32::try_from(free.len()).unwrap_or(1)
}

fn named(thread: u32, name: String) -> Event {
    Event::Metadata { name: "thread_name", pid: PROCESS, tid: thread, args: Named { name } }
}

fn complete(name: String, cat: &'static str, tid: u32, ran: Span, args: Args) -> Event {
    let micros = |millis: u64| millis.saturating_mul(1_000);
    let (ts, dur) = (micros(ran.from), micros(ran.until - ran.from));
    Event::Complete { name, cat, pid: PROCESS, tid, ts, dur, args }
}

#[derive(Serialize)]
struct Trace<'r> {
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
    #[serde(rename = "displayTimeUnit")]
    unit: &'static str,
    #[serde(rename = "otherData")]
    other: Other<'r>,
}

#[derive(Serialize)]
#[serde(tag = "ph")]
enum Event {
    /// With start and duration in microseconds.
    #[serde(rename = "X")]
    Complete { name: String, cat: &'static str, pid: u32, tid: u32, ts: u64, dur: u64, args: Args },
    #[serde(rename = "M")]
    Metadata { name: &'static str, pid: u32, tid: u32, args: Named },
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Default, Serialize)]
struct Args {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emulated: Option<bool>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<usize>,
}

impl Args {
    fn of(step: &StepTimes) -> Self {
        Self {
            state: step.state.word(),
            platform: step.platform.clone(),
            cached: Some(step.state == StepEnd::Cached),
            emulated: Some(step.is_emulated),
            attempt: Some(step.attempt + 1),
        }
    }
}

#[derive(Serialize)]
struct Other<'r> {
    run: &'r str,
    command: String,
    started: String,
    onebuild: String,
    engine: String,
    jobs: usize,
    exit_code: Option<u8>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::Value;

    use super::super::samples::retried;
    use super::*;
    use crate::record::Recorded;
    use crate::record::event::samples::HOSTILE;
    use crate::reporters::samples::{family, foreign};

    /// As a viewer reads it.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Read {
        trace_events: Vec<ReadEvent>,
        display_time_unit: String,
        other_data: BTreeMap<String, Value>,
    }

    #[derive(Deserialize)]
    #[serde(tag = "ph")]
    enum ReadEvent {
        X {
            name: String,
            cat: String,
            pid: u32,
            tid: u32,
            ts: u64,
            dur: u64,
            args: BTreeMap<String, Value>,
        },
        M {
            name: String,
            pid: u32,
            tid: u32,
            args: BTreeMap<String, String>,
        },
    }

    /// What is in a trace: names of threads, and `(name, ts, dur)` of the cells and of the steps.
    #[derive(Default)]
    struct Found {
        threads: BTreeMap<u32, String>,
        cells: Vec<(String, u64, u64)>,
        steps: Vec<(String, u64, u64, Value)>,
    }

    /// Checks what must hold for every trace.
    fn found(run: &Recorded) -> Found {
        let read: Read = serde_json::from_str(&super::super::trace(run)).unwrap();
        assert_eq!(read.display_time_unit, "ms");
        assert_eq!(read.other_data["run"], run.head.id.as_str());
        let mut found = Found::default();
        let mut by_thread: BTreeMap<u32, Vec<(u64, u64)>> = BTreeMap::new();
        for event in read.trace_events {
            match event {
                ReadEvent::M { name, pid, tid, args } => {
                    assert_eq!(pid, PROCESS);
                    if name == "thread_name" {
                        assert!(found.threads.insert(tid, args["name"].clone()).is_none());
                    }
                }
                ReadEvent::X { name, cat, pid, tid, ts, dur, args } => {
                    assert_eq!(pid, PROCESS);
                    assert!(found.threads.contains_key(&tid), "thread {tid} has no name");
                    by_thread.entry(tid).or_default().push((ts, ts + dur));
                    match cat.as_str() {
                        "cell" => found.cells.push((name, ts, dur)),
                        "step" => found.steps.push((name, ts, dur, serde_json::json!(args))),
                        _ => assert!(["attempt", "wait"].contains(&cat.as_str()), "{cat}"),
                    }
                }
            }
        }
        for (thread, events) in by_thread {
            for (one, (from, until)) in events.iter().enumerate() {
                for (other_from, other_until) in &events[one + 1..] {
                    let apart = other_from >= until || other_until <= from;
                    let within = other_from >= from && other_until <= until;
                    let around = other_from <= from && other_until >= until;
                    assert!(apart || within || around, "thread {thread}: {events:?}");
                }
            }
        }
        found
    }

    #[test]
    fn every_cell_and_step_is_in_it_with_its_time() {
        for run in [family(), retried(), foreign("x")] {
            let found = found(&run);
            let timings = Timings::of(&run);
            let event = |name: &str, ran: Span| {
                (name.to_owned(), ran.from * 1_000, (ran.until - ran.from) * 1_000)
            };
            let cells: Vec<_> = timings
                .cells
                .iter()
                .filter_map(|cell| Some(event(&cell.name, cell.ran?)))
                .collect();
            assert_eq!(found.cells, cells);
            let steps: Vec<_> =
                timings.steps().map(|(_, step)| event(&step.label, step.ran)).collect();
            let found_steps: Vec<_> =
                found.steps.iter().map(|(name, ts, dur, _)| (name.clone(), *ts, *dur)).collect();
            assert_eq!(found_steps, steps);
            for (_, _, dur, _) in &found.steps {
                assert!(*dur <= timings.end * 1_000);
            }
            let is_cached = |step: &&StepTimes| step.state == StepEnd::Cached;
            for (what, count) in [
                ("cached", timings.steps().map(|(_, step)| step).filter(is_cached).count()),
                ("emulated", timings.steps().filter(|(_, step)| step.is_emulated).count()),
            ] {
                let marked = found.steps.iter().filter(|(.., args)| args[what] == true).count();
                assert_eq!(marked, count, "{what}");
            }
        }
    }

    #[test]
    fn any_text_can_be_in_it() {
        for text in HOSTILE {
            let found = found(&foreign(text));
            assert_eq!(found.cells.len(), 3, "{text:?}");
            assert_eq!(found.steps.len(), 1, "{text:?}");
            let name = &found.steps[0].0;
            assert!(!name.is_empty() && !name.contains(char::is_control), "{name:?}");
        }
    }
}
