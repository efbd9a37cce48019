//! The events of a run, kept in memory for what is made of them at its end.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::Start;
use crate::event::Event;
use crate::record::event::{self, RunFinished, RunHead};
use crate::record::recorded::{Recorded, State, Steps};
use crate::record::run_id::RunId;
use crate::record::timestamp::Timestamp;

/// A run while it goes on.
#[derive(Debug, Clone)]
pub(crate) struct Collected(Arc<Mutex<Recorded>>);

impl Collected {
    /// A run that begins, with the first line of its record if it has one.
    pub(crate) fn start(
        start: &Start,
        recorded: Option<&RunHead>,
        steps: Steps,
    ) -> io::Result<Self> {
        let head = match recorded {
            Some(head) => head.clone(),
            None => start.head(RunId::new(start.time)?),
        };
        let mut run = Recorded::new(head, steps);
        let started = run.head.time;
        start.first_events().for_each(|event| run.add(started, event));
        Ok(Self(Arc::new(Mutex::new(run))))
    }

    pub(super) fn add(&self, time: Timestamp, event: &Event) {
        if let Some(event) = event::Event::of(event) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).add(time, event);
        }
    }

    /// The run, which ended at `time`.
    pub(crate) fn finish(self, exit_code: u8, time: Timestamp) -> Recorded {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (elapsed, totals) = (time.since(run.head.time), run.totals());
        run.last = run.last.max(time);
        run.state = State::Ended(RunFinished { exit_code, elapsed, totals });
        run
    }
}
