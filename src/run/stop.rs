//! A run that a user or a CI runner can stop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::deadline::{CLEAN_UP_TIMEOUT, until};
use super::last_resort;
use super::signals::{Action, Received, Signal, Signals};

/// The stop signals of one run.
#[derive(Debug)]
pub(crate) struct Stop {
    signals: Signals,
    received: Received,
    cancel: CancellationToken,
    /// When to abandon the work after a signal.
    deadline: Option<Instant>,
    /// Whether there may be something to clean up.
    is_at_work: Arc<AtomicBool>,
}

impl Stop {
    /// Listens for signals. From now on, the program ends some seconds after a signal, even if its
    /// main thread is blocked.
    pub(crate) fn listen() -> io::Result<Self> {
        let is_at_work = Arc::<AtomicBool>::default();
        last_resort::watch(is_at_work.clone())?;
        Ok(Self {
            is_at_work,
            signals: Signals::listen()?,
            received: Received::default(),
            cancel: CancellationToken::new(),
            deadline: None,
        })
    }

    /// Cancelled by the first signal.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.cancel
    }

    /// The first signal, which determines the exit code.
    pub(crate) fn signal(&self) -> Option<Signal> {
        self.received.first
    }

    /// The exit code for the first signal.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        self.signal().map(Signal::exit_code)
    }

    /// Waits for `work` that needs no clean-up. The first signal ends it and returns `None`.
    pub(crate) async fn until_signal<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            signal = self.signals.next() => {
                self.received.add(signal);
                self.cancel.cancel();
                None
            }
        }
    }

    /// Waits for `work`. Returns `None` and drops it if a second signal arrives, or if it does not
    /// end in time after the first one.
    pub(crate) async fn guard<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        self.is_at_work.store(true, Ordering::Relaxed);
        loop {
            let late = until(self.deadline);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                signal = self.signals.next() => match self.received.add(signal) {
                    Action::Cancel => {
                        self.cancel.cancel();
                        self.deadline = Some(Instant::now() + CLEAN_UP_TIMEOUT);
                    }
                    Action::Leave => return None,
                    Action::Ignore => {}
                },
                () = late => return None,
            }
        }
    }

    /// The same for output that a reader may block. After a signal, it waits at most `grace`.
    pub(crate) async fn guard_output<T>(
        &mut self,
        output: impl Future<Output = T>,
        grace: Duration,
    ) -> Option<T> {
        let cancel = self.cancel.clone();
        let asked = async {
            tokio::select! {
                biased;
                done = output => Some(done),
                () = async { cancel.cancelled().await; sleep(grace).await } => None,
            }
        };
        self.guard(asked).await.flatten()
    }
}
