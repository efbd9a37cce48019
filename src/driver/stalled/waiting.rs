//! Requests of ours that take long: the display says who does not answer.

use tokio::time::{Instant, sleep_until};

use super::standstill::{WAITING_AFTER, WAITING_INTERVAL};
use crate::cell_name::CellName;
use crate::event::{Event, StepId, Wait};
use crate::image::Reference;
use crate::schedule::Events;

/// Numbers of waits that belong to no step of BuildKit.
const WAITS: u32 = 1 << 31;

/// Who is waited for, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whom<'w> {
    cell: &'w CellName,
    host: &'w str,
    what: &'w str,
}

impl<'w> Whom<'w> {
    /// The registry of `image`, which is asked what the image is.
    pub(crate) fn registry(cell: &'w CellName, image: &'w Reference) -> Self {
        Self { cell, host: image.repository.host(), what: "looking the image up" }
    }

    /// The registry of `image`, which is asked for what was pushed.
    pub(crate) fn verification(cell: &'w CellName, image: &'w Reference) -> Self {
        Self { what: "verifying the push", ..Self::registry(cell, image) }
    }

    /// The engine.
    pub(crate) fn engine(cell: &'w CellName, what: &'w str) -> Self {
        Self { cell, host: "the engine", what }
    }
}

/// Does `work`. When that takes long, `events` get whom it waits for.
pub(crate) async fn patiently<T>(
    events: Option<&Events>,
    whom: Whom<'_>,
    work: impl Future<Output = T>,
) -> T {
    let Some(events) = events else { return work.await };
    let Whom { cell, host, what } = whom;
    let (started, step) = (Instant::now(), StepId(WAITS));
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
    async fn what_takes_long_says_for_whom_and_when_it_goes_on() {
        for (seconds, expected) in [(29, &[][..]), (31, &[30]), (100, &[30, 90])] {
            let (events, mut received) = mpsc::channel(8);
            let cell: CellName = "v1".into();
            let work = sleep(Duration::from_secs(seconds));
            patiently(Some(&events), Whom::engine(&cell, "making a container"), work).await;
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
