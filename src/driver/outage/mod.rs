//! What a run does while its engine does not answer: its cells wait until it does, up to a limit.
//!
//! An engine that is paused or overloaded is named before it counts as lost.
//!
//! All cells share one [`Outage`]. One of those that wait asks the engine, and the others wait for it. After
//! the limit every cell fails at once, and no cell waits again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::stalled::standstill::WAITING_INTERVAL;
use super::stalled::waiting::OUTAGE;
use crate::buildkit::{Client, UNUSUAL_SILENCE};
use crate::event::{Event, Wait};
use crate::failure::{Failure, Kind};
use crate::input::EngineWait;
use crate::outcome::CellResult;
use crate::schedule::Job;

/// How often the engine is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take to answer each time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the engine answers.
type Answers = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// For how long the engine has been silent.
type Silence = Box<dyn Fn() -> Duration + Send + Sync>;

/// See the module.
pub struct Outage {
    answers: Answers,
    silence: Silence,
    limit: EngineWait,
    state: Mutex<State>,
    /// Held by the cell that asks the engine.
    asking: Semaphore,
}

#[derive(Debug, Clone)]
enum State {
    Up,
    Lost {
        since: Instant,
    },
    /// It did not come back.
    Over,
}

impl Outage {
    /// For the engine of `client`. Cells wait for it as long as `limit` says.
    pub(super) fn new(client: Client, limit: EngineWait) -> Self {
        let silent = client.clone();
        let answers = move || -> BoxFuture<'static, bool> {
            let client = client.clone();
            Box::pin(async move { client.version().await.is_ok() })
        };
        Self::asking(Box::new(answers), Box::new(move || silent.silence()), limit)
    }

    pub(super) fn asking(answers: Answers, silence: Silence, limit: EngineWait) -> Self {
        Self { answers, silence, limit, state: Mutex::new(State::Up), asking: Semaphore::new(1) }
    }

    /// A cell lost its connection to the engine.
    pub(super) fn lost(&self) {
        let mut state = self.state();
        if let State::Up = *state {
            tracing::debug!(target: "engine", "lost");
            *state = State::Lost { since: Instant::now() };
        }
    }

    /// Waits if the engine is lost, in the slot of `job`: the cells that wait here are never more than
    /// `--jobs`. The error is the result of a cell that cannot be built.
    pub(super) async fn before(&self, job: &Job<'_>) -> Result<(), CellResult> {
        let since = match *self.state() {
            State::Up => return Ok(()),
            State::Lost { since } => since.elapsed(),
            State::Over => return Err(CellResult::Failed(self.failure())),
        };
        let cell = &job.request.cell;
        self.waiting(job, since).await;
        let waited = job.cancel.run_until_cancelled(self.end()).await;
        waited.ok_or(CellResult::Cancelled)?.map_err(CellResult::Failed)?;
        let _ = job.events.send(Event::Answered { cell: cell.clone(), step: OUTAGE }).await;
        Ok(())
    }

    /// Runs `work` of `job`. While the engine is silent for longer than usual, events name it.
    pub(super) async fn named<T>(&self, job: &Job<'_>, work: impl Future<Output = T>) -> T {
        let mut named: Option<Instant> = None;
        let mut work = std::pin::pin!(work);
        loop {
            let silence = (self.silence)();
            let pause = UNUSUAL_SILENCE.saturating_sub(silence).max(INTERVAL);
            match (silence >= UNUSUAL_SILENCE, named) {
                (true, None) => {
                    named = Some(Instant::now());
                    self.waiting(job, silence).await;
                }
                (true, Some(last)) if last.elapsed() >= WAITING_INTERVAL => {
                    named = Some(Instant::now());
                    self.waiting(job, silence).await;
                }
                (false, Some(_)) => {
                    named = None;
                    let cell = job.request.cell.clone();
                    let _ = job.events.send(Event::Answered { cell, step: OUTAGE }).await;
                }
                _ => {}
            }
            tokio::select! {
                done = &mut work => return done,
                () = sleep(pause) => {}
            }
        }
    }

    /// Says that `job` waits for the engine.
    async fn waiting(&self, job: &Job<'_>, since: Duration) {
        let cell = job.request.cell.clone();
        let wait = Wait { host: "the engine".to_owned(), what: String::new(), since };
        // A closed display does not stop the build.
        let _ = job.events.send(Event::Waiting { cell, step: OUTAGE, wait }).await;
    }

    /// Returns when the engine answers. The failure says that it did not within the limit.
    pub(super) async fn end(&self) -> Result<(), Box<Failure>> {
        // The semaphore is never closed.
        let _asking = self.asking.acquire().await;
        let since = match *self.state() {
            State::Up => return Ok(()),
            State::Lost { since } => since,
            State::Over => return Err(self.failure()),
        };
        loop {
            sleep(INTERVAL).await;
            let answers = timeout(ANSWER_TIMEOUT, (self.answers)()).await.unwrap_or(false);
            let (ms, limit) = (since.elapsed().as_millis(), self.limit.duration());
            if answers {
                tracing::debug!(target: "engine", ms, "answers again");
                *self.state() = State::Up;
                return Ok(());
            }
            if since.elapsed() + INTERVAL > limit {
                tracing::debug!(target: "engine", ms, "not waited for any longer");
                *self.state() = State::Over;
                return Err(self.failure());
            }
        }
    }

    fn failure(&self) -> Box<Failure> {
        let help = "check that the engine is running; its log may say why it stopped";
        let (message, help) = match self.limit.0 {
            Some(limit) => (
                format!("the engine did not come back within {limit}"),
                format!("{help}. --engine-wait sets how long to wait for it"),
            ),
            None => ("the engine does not answer any more".to_owned(), help.to_owned()),
        };
        Box::new(Failure {
            kind: Kind::EngineLost,
            message,
            help: Some(help),
            ..Failure::default()
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
