//! The events of a run on stdout: its record, printed while it is written.
//!
//! What stdout does not take yet waits in the record, so the run never waits for a reader, and loses nothing.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::record::Follow;
use crate::run::terminal;

/// How often the record is read.
const PULSE: Duration = Duration::from_millis(100);

/// Prints the events of a run.
pub(super) struct Stream {
    /// The record has its last line.
    is_complete: Arc<AtomicBool>,
    printing: JoinHandle<()>,
}

impl Stream {
    /// Prints the record in the directory of a run.
    pub(super) fn start(directory: &Path) -> io::Result<Self> {
        let record = Follow::open(directory)?;
        let is_complete = Arc::new(AtomicBool::new(false));
        let seen = is_complete.clone();
        // On its own thread, because a reader that stops reading must not block the builds.
        let printing = tokio::task::spawn_blocking(move || print(record, &seen));
        Ok(Self { is_complete, printing })
    }

    /// The rest is printed when this ends.
    pub(super) async fn finish(self) {
        self.is_complete.store(true, Ordering::Release);
        let _ = self.printing.await;
    }
}

fn print(mut record: Follow, is_complete: &AtomicBool) {
    let mut out = terminal::buffered();
    loop {
        let is_last = is_complete.load(Ordering::Acquire);
        while let Ok(lines) = record.next()
            && !lines.is_empty()
        {
            if !out.bytes(&lines) {
                return;
            }
        }
        if !out.done(io::Write::flush) || is_last {
            return;
        }
        sleep(PULSE);
    }
}
