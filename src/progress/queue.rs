//! The queue between the run and the thread of its display.
//!
//! The run never waits for a terminal: a blocked one would stall the streams of all cells, because
//! they share a connection. So the queue accepts everything, and if the display is far behind, it
//! drops the least important events. Events that determine the result of a cell are never dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Event;

/// Beyond this, build output and transfer progress are dropped. BuildKit forwards at most 200 KB
/// per step and second, so a terminal may block for some seconds.
const LINES: usize = 16 << 20;
/// Beyond this, steps and warnings are dropped too.
const STEPS: usize = 64 << 20;
/// Size of an event without its strings, in bytes.
const EVENT: usize = 256;
/// The display takes about this much at a time, so that there is room again before it has shown everything.
const BATCH: usize = 1 << 20;

/// One side adds events, the other removes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    /// Size of the events that are not shown yet.
    bytes: usize,
    /// Those of them that the display has taken.
    taken: usize,
    /// Number of lines dropped since the queue was empty.
    dropped: usize,
    is_closed: bool,
}

/// The events to show.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: VecDeque<Event>,
    /// Number of lines that were dropped after them.
    pub(super) dropped: usize,
    /// This is the last batch.
    pub(super) is_last: bool,
}

impl Queue {
    /// Adds an event; never blocks.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.lock();
        let size = size(&event);
        let limit = match event {
            Event::Log { .. } | Event::Transfer { .. } => LINES,
            Event::Step { .. }
            | Event::Waiting { .. }
            | Event::Answered { .. }
            | Event::Warning { .. } => STEPS,
            Event::RunStarted { .. }
            | Event::CellStarted { .. }
            | Event::CellFinished(_)
            | Event::Retrying { .. }
            | Event::Resumed { .. }
            | Event::Cancelling => usize::MAX,
        };
        if state.bytes.saturating_add(size) > limit {
            state.dropped += usize::from(matches!(event, Event::Log { .. }));
        } else {
            state.bytes += size;
            state.events.push_back(event);
        }
        self.0.changed.notify_one();
    }

    /// Closes the queue: there are no more events.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.0.changed.notify_one();
    }

    /// Waits for events, up to `timeout` if it is given. The events of the last batch have been shown.
    pub(super) fn take(&self, timeout: Option<Duration>) -> Batch {
        let is_idle = |state: &mut State| state.events.is_empty() && !state.is_closed;
        let state = self.lock();
        let mut state = match timeout {
            Some(timeout) => {
                let waited = self.0.changed.wait_timeout_while(state, timeout, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.0.changed.wait_while(state, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        state.bytes -= std::mem::take(&mut state.taken);
        let mut events = VecDeque::new();
        while state.taken < BATCH
            && let Some(event) = state.events.pop_front()
        {
            state.taken += size(&event);
            events.push_back(event);
        }
        let is_all = state.events.is_empty();
        Batch {
            events,
            dropped: if is_all { std::mem::take(&mut state.dropped) } else { 0 },
            is_last: is_all && state.is_closed,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size of an event. Its strings count if they may be long.
fn size(event: &Event) -> usize {
    let text = match event {
        Event::Log { line, .. } => line.len(),
        Event::Step { step, .. } => step.name.len(),
        Event::Transfer { transfer, .. } => transfer.name.len(),
        Event::Waiting { wait, .. } => wait.host.len() + wait.what.len(),
        Event::Warning { warning, .. } => warning.message.len(),
        _ => 0,
    };
    EVENT + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepId;

    fn log(line: String) -> Event {
        Event::Log { cell: "v1".into(), step: StepId(1), line }
    }

    #[test]
    fn a_display_that_is_far_behind_loses_only_lines() {
        let queue = Queue::default();
        let line = "x".repeat(1 << 20);
        for _ in 0..40 {
            queue.push(log(line.clone()));
        }
        queue.push(Event::CellStarted { cell: "v2".into() });
        queue.push(Event::Cancelling);
        let is_line = |event: &&Event| matches!(event, Event::Log { .. });
        let mut shown = Vec::new();
        let first = queue.take(None);
        // What is being shown still takes its room; there is none again before the next batch.
        queue.push(log(line.clone()));
        shown.extend(first.events);
        assert_eq!((shown.len(), first.dropped), (1, 0));
        let second = queue.take(None);
        queue.push(log(line));
        shown.extend(second.events);
        let dropped = loop {
            let batch = queue.take(None);
            assert!(!batch.is_last && batch.events.len() <= 3);
            shown.extend(batch.events);
            if batch.dropped > 0 {
                break batch.dropped;
            }
        };
        assert_eq!((shown.iter().filter(is_line).count(), dropped), (16, 26));
        assert_eq!(shown.len(), 18);

        queue.push(Event::Cancelling);
        queue.close();
        let batch = queue.take(None);
        assert_eq!((batch.events.len(), batch.dropped, batch.is_last), (1, 0, true));
    }

    #[test]
    fn a_display_that_redraws_is_woken_without_events() {
        let batch = Queue::default().take(Some(Duration::ZERO));
        assert!(batch.events.is_empty() && !batch.is_last);
    }
}
