//! The loop that starts cells and collects their outcomes.

use std::any::Any;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Builder, Events, Job, Slot};
use crate::event::{CellSummary, Event};
use crate::failure::Kind;
use crate::outcome::{CellResult, Failure, Outcome};
use crate::plan::BuildRequest;

/// How many cells build concurrently, and whether the first failure stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    /// Number of concurrent cells.
    pub jobs: NonZeroUsize,
    /// The first failure cancels the running cells, and no more cells start.
    pub fail_fast: bool,
}

/// Builds every request and returns their outcomes in the same order.
///
/// `cancel` stops the running cells, and no other cell starts. This function returns when all of them have
/// cleaned up. A closed `events` channel does not affect the builds.
pub(crate) async fn run<B: Builder + 'static>(
    requests: Vec<BuildRequest>,
    builder: Arc<B>,
    options: Options,
    events: Events,
    cancel: CancellationToken,
) -> Vec<Outcome> {
    let started = Event::RunStarted { cells: summaries(&requests), jobs: options.jobs.get() };
    // Here and below, a send fails only if the display is gone.
    let _ = events.send(started).await;
    let mut run = Run {
        outcomes: vec![None; requests.len()],
        requests: requests.into_iter().map(Arc::new).collect(),
        next: 0,
        blocked: None,
        running: HashMap::new(),
        tasks: JoinSet::new(),
        slots: Arc::new(Semaphore::new(options.jobs.get().min(Semaphore::MAX_PERMITS))),
        // A child of the caller's token: fail-fast stops this run, not the program.
        stop: cancel.child_token(),
        builder,
        events,
    };
    let mut closed = false;
    loop {
        let is_starting =
            !run.stop.is_cancelled() && run.blocked.is_none() && run.next < run.requests.len();
        if !is_starting && run.tasks.is_empty() {
            break;
        }
        let free = Arc::clone(&run.slots).acquire_owned();
        tokio::select! {
            biased;
            () = cancel.cancelled(), if !closed => {
                closed = true;
                let _ = run.events.send(Event::Cancelling).await;
            }
            Some(ended) = run.tasks.join_next_with_id() => {
                // Its slot is free when the outcome has been seen: no cell starts after a failure with
                // `--fail-fast`.
                let (outcome, _slot) = run.outcome_of(ended);
                if let CellResult::Failed(failure) = &outcome.1.result {
                    if failure.kind == Kind::EngineDiskFull {
                        run.blocked = Some("the engine's disk is full");
                    }
                    if options.fail_fast {
                        run.stop.cancel();
                    }
                }
                run.finish(outcome).await;
            }
            // The semaphore is never closed.
            Ok(slot) = free, if is_starting => run.start_next(slot),
        }
    }
    run.finish_unstarted(cancel.is_cancelled()).await;
    run.outcomes.into_iter().map(|o| o.expect("every request was finished above")).collect()
}

/// The result of a cell, and the slot that it held.
type Ended = (CellResult, Slot);

struct Run<B> {
    requests: Vec<Arc<BuildRequest>>,
    outcomes: Vec<Option<Outcome>>,
    /// The first request that has not started.
    next: usize,
    /// Why no further cell starts, although running cells go on.
    blocked: Option<&'static str>,
    /// The request of each task and its start time, because a panic only reports the task's id.
    running: HashMap<Id, (usize, Instant)>,
    tasks: JoinSet<Ended>,
    /// The slots of `--jobs`. A cell that waits for its next attempt holds none.
    slots: Arc<Semaphore>,
    stop: CancellationToken,
    builder: Arc<B>,
    events: Events,
}

impl<B: Builder + 'static> Run<B> {
    /// Starts the next cell in a free slot.
    fn start_next(&mut self, slot: OwnedSemaphorePermit) {
        let request = Arc::clone(&self.requests[self.next]);
        let slot = Slot::new(Arc::clone(&self.slots), slot);
        let (builder, events, stop) =
            (Arc::clone(&self.builder), self.events.clone(), self.stop.clone());
        let task = self.tasks.spawn(async move {
            let _ = events.send(Event::CellStarted { cell: request.cell.clone() }).await;
            let job = Job { request: &request, events: &events, cancel: &stop, slot: &slot };
            let result = builder.build(&job).await;
            (result, slot)
        });
        self.running.insert(task.id(), (self.next, Instant::now()));
        self.next += 1;
    }

    fn outcome_of(
        &mut self,
        ended: Result<(Id, Ended), JoinError>,
    ) -> ((usize, Outcome), Option<Slot>) {
        let (id, result, slot) = match ended {
            Ok((id, (result, slot))) => (id, result, Some(slot)),
            Err(error) => (error.id(), result_of_bug(error), None),
        };
        let (index, since) = self.running.remove(&id).expect("every task is recorded when spawned");
        ((index, outcome(&self.requests[index], result, since.elapsed())), slot)
    }

    async fn finish(&mut self, (index, outcome): (usize, Outcome)) {
        let _ = self.events.send(Event::CellFinished(outcome.clone())).await;
        self.outcomes[index] = Some(outcome);
    }

    async fn finish_unstarted(&mut self, cancelled: bool) {
        for index in self.next..self.requests.len() {
            let result = match cancelled {
                true => CellResult::Cancelled,
                false => CellResult::NotStarted(self.blocked.unwrap_or("another cell failed")),
            };
            let outcome = outcome(&self.requests[index], result, Duration::ZERO);
            self.finish((index, outcome)).await;
        }
    }
}

fn summaries(requests: &[BuildRequest]) -> Arc<[CellSummary]> {
    let summary = |r: &BuildRequest| CellSummary {
        cell: r.cell.clone(),
        platforms: r.recipe.platforms.clone(),
    };
    requests.iter().map(summary).collect()
}

fn outcome(request: &BuildRequest, result: CellResult, elapsed: Duration) -> Outcome {
    Outcome {
        cell: request.cell.clone(),
        platforms: request.recipe.platforms.clone(),
        result,
        elapsed,
    }
}

/// A panic only fails its own cell. Nothing but dropping the whole run aborts these tasks.
fn result_of_bug(error: JoinError) -> CellResult {
    let said = match error.try_into_panic() {
        Ok(payload) => panic_message(payload),
        Err(_) => "its task was aborted".to_owned(),
    };
    CellResult::Failed(Box::new(Failure {
        kind: Kind::Bug,
        message: format!("a bug in onebuild: {said}"),
        help: Some("the other cells are not affected".to_owned()),
        ..Failure::default()
    }))
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => "it panicked without a message".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
