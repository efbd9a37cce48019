//! Ends the program after a signal if the main thread does not.
//!
//! The main thread may be blocked by a reader of its output, or by a file system that does not
//! answer, and then does not handle signals. So another thread receives the same signals, and gives
//! the run time to end by itself.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::deadline::{EXIT_TIMEOUT, QUIT_TIMEOUT, until};
use super::runtime::current_thread;
use super::signals::{Action, Received, Signals};

/// Starts watching. `is_at_work` says whether there may be something to clean up.
pub(super) fn watch(is_at_work: Arc<AtomicBool>) -> io::Result<()> {
    let runtime = current_thread()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::listen()?
    };
    let thread = std::thread::Builder::new().name("last-resort".to_owned());
    // The thread ends with the program.
    thread.spawn(move || runtime.block_on(end_late(signals, &is_at_work)))?;
    Ok(())
}

async fn end_late(mut signals: Signals, is_at_work: &AtomicBool) {
    let mut received = Received::default();
    let mut deadline = None;
    loop {
        tokio::select! {
            signal = signals.next() => {
                let action = received.add(signal);
                let timeout = timeout(action, is_at_work.load(Ordering::Relaxed));
                let end = timeout.map(|timeout| Instant::now() + timeout);
                deadline = deadline.into_iter().chain(end).min();
            }
            () = until(deadline) => {
                let code = received.first.map_or(1, |signal| signal.exit_code());
                std::process::exit(code.into());
            }
        }
    }
}

fn timeout(action: Action, is_at_work: bool) -> Option<Duration> {
    match action {
        Action::Cancel if is_at_work => Some(EXIT_TIMEOUT),
        Action::Cancel | Action::Leave => Some(QUIT_TIMEOUT),
        Action::Ignore => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_with_cells_gets_time_to_clean_up() {
        for (action, is_at_work, expected) in [
            (Action::Cancel, true, Some(EXIT_TIMEOUT)),
            (Action::Cancel, false, Some(QUIT_TIMEOUT)),
            (Action::Leave, true, Some(QUIT_TIMEOUT)),
            (Action::Leave, false, Some(QUIT_TIMEOUT)),
            (Action::Ignore, true, None),
        ] {
            assert_eq!(timeout(action, is_at_work), expected, "{action:?} {is_at_work}");
        }
    }
}
