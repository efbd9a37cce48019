//! Reports slow requests of onebuild itself: the display shows which host does not answer.

use tokio::time::{Instant, sleep_until};

use super::standstill::{WAITING_AFTER, WAITING_INTERVAL};
use crate::cell_name::CellName;
use crate::event::{Event, StepId, Wait};
use crate::image::Reference;
use crate::schedule::Events;

/// The step numbers of waits outside of BuildKit's steps: for a slow request, for an engine that is silent or
/// lost, and for a registry that asks its clients to wait. A cell may wait for several at the same time.
const REQUEST: StepId = StepId(1 << 31);
pub(crate) const OUTAGE: StepId = StepId(REQUEST.0 + 1);
pub(crate) const GATE: StepId = StepId(REQUEST.0 + 2);

/// The host that a cell waits for, and the reason.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitingFor<'w> {
    cell: &'w CellName,
    host: &'w str,
    what: &'w str,
}

impl<'w> WaitingFor<'w> {
    /// The registry of `image`, for a lookup of the image.
    pub(crate) fn registry(cell: &'w CellName, image: &'w Reference) -> Self {
        Self { cell, host: image.repository.host(), what: "looking up the image" }
    }

    /// The registry of `image`, for the verification of a push.
    pub(crate) fn verification(cell: &'w CellName, image: &'w Reference) -> Self {
        Self { what: "verifying the push", ..Self::registry(cell, image) }
    }

    /// The engine.
    pub(crate) fn engine(cell: &'w CellName, what: &'w str) -> Self {
        Self { cell, host: "the engine", what }
    }
}

/// Runs `work`. If that takes long, sends events that name the host it waits for.
pub(crate) async fn report_wait<T>(
    events: Option<&Events>,
    waiting: WaitingFor<'_>,
    work: impl Future<Output = T>,
) -> T {
    let Some(events) = events else { return work.await };
    let WaitingFor { cell, host, what } = waiting;
    let (started, step) = (Instant::now(), REQUEST);
    let mut report = started + WAITING_AFTER;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                if report > started + WAITING_AFTER {
                    let _ = events.send(Event::Answered { cell: cell.clone(), step }).await;
                }
                return done;
            }
            () = sleep_until(report) => {
                let (host, what) = (host.to_owned(), what.to_owned());
                let wait = Wait { host, what, since: started.elapsed() };
                let _ = events.send(Event::Waiting { cell: cell.clone(), step, wait }).await;
                report += WAITING_INTERVAL;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_request_reports_its_host_and_when_it_continues() {
        for (seconds, expected) in [(29, &[][..]), (31, &[30]), (100, &[30, 90])] {
            let (events, mut received) = mpsc::channel(8);
            let cell: CellName = "v1".into();
            let work = sleep(Duration::from_secs(seconds));
            report_wait(Some(&events), WaitingFor::engine(&cell, "creating a container"), work)
                .await;
            drop(events);
            let (mut waited, mut answered) = (Vec::new(), 0);
            while let Some(event) = received.recv().await {
                match event {
                    Event::Waiting { wait, .. } => {
                        assert_eq!(wait.host, "the engine");
                        waited.push(wait.since.as_secs());
                    }
                    Event::Answered { .. } => answered += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!((&waited[..], answered), (expected, usize::from(!expected.is_empty())));
        }
    }
}
