//! What is to be shown, between the work and the thread that shows it.
//!
//! The work never waits for a terminal: one that stands still would hold up the streams of all cells,
//! since they share a connection. So the queue takes everything, and when the display is far behind
//! it drops what matters least. What decides the result of a cell is never dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Event;

/// Beyond this, lines of builds and the progress of transfers are dropped. BuildKit passes on at most
/// 200 KB of a step a second, so that a terminal may stand still for some seconds.
const LINES: usize = 16 << 20;
/// Beyond this, steps and warnings are dropped too.
const STEPS: usize = 64 << 20;
/// What an event takes beside its text, in bytes.
const EVENT: usize = 256;

/// One end puts events in, the other takes them out.
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
    bytes: usize,
    /// Lines dropped since the last batch.
    dropped: usize,
    is_closed: bool,
}

/// What there was to show.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: VecDeque<Event>,
    /// Lines of builds that are missing in them.
    pub(super) dropped: usize,
    /// Nothing comes after it.
    pub(super) is_last: bool,
}

impl Queue {
    /// Adds an event; never waits.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.lock();
        let size = EVENT + text(&event);
        let limit = match event {
            Event::Log { .. } | Event::Transfer { .. } => LINES,
            Event::Step { .. }
            | Event::Waiting { .. }
            | Event::Answered { .. }
            | Event::Warning { .. } => STEPS,
            Event::RunStarted { .. }
            | Event::CellStarted { .. }
            | Event::CellFinished(_)
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

    /// No event comes any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.0.changed.notify_one();
    }

    /// Waits for events, and at most for `patience` where that is given.
    pub(super) fn take(&self, patience: Option<Duration>) -> Batch {
        let is_idle = |state: &mut State| state.events.is_empty() && !state.is_closed;
        let state = self.lock();
        let mut state = match patience {
            Some(patience) => {
                let waited = self.0.changed.wait_timeout_while(state, patience, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.0.changed.wait_while(state, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        state.bytes = 0;
        Batch {
            events: std::mem::take(&mut state.events),
            dropped: std::mem::take(&mut state.dropped),
            is_last: state.is_closed,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of text in an event, where there may be many.
fn text(event: &Event) -> usize {
    match event {
        Event::Log { line, .. } => line.len(),
        Event::Step { step, .. } => step.name.len(),
        Event::Transfer { transfer, .. } => transfer.name.len(),
        Event::Waiting { wait, .. } => wait.host.len() + wait.what.len(),
        Event::Warning { warning, .. } => warning.message.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StepId;

    fn log(line: String) -> Event {
        Event::Log { cell: "v1".into(), step: StepId(1), line }
    }

    #[test]
    fn a_display_that_is_far_behind_misses_lines_and_nothing_else() {
        let queue = Queue::default();
        let line = "x".repeat(1 << 20);
        for _ in 0..40 {
            queue.push(log(line.clone()));
        }
        queue.push(Event::CellStarted { cell: "v2".into() });
        queue.push(Event::Cancelling);
        let batch = queue.take(None);
        let lines = batch.events.iter().filter(|event| matches!(event, Event::Log { .. })).count();
        assert_eq!((lines, batch.dropped), (15, 25));
        assert_eq!(batch.events.len(), 17);
        assert!(!batch.is_last);

        // What was taken makes room.
        queue.push(log(line));
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
